// The switches below the planes, and the settings that they stand for: what a link says of the toy is here.

import { Choice, Knob } from "../descent/controls.js";
import { element } from "../engine/page.js";

// A button that is on or off.
class Toggle {
  constructor({ label, title, moved }) {
    this.box = element("button", { type: "button", className: "toggle", textContent: label, title });
    this.box.onclick = () => moved(this.box.getAttribute("aria-pressed") !== "true");
  }

  set(on) { this.box.setAttribute("aria-pressed", String(on)); }
}

const times = (value) => `×${value}`;

export class Switches {
  header;
  usual;
  now;

  // changed(name): the visitor has moved one. settings: {name: value}, as the page opens.
  constructor(header, find, changed) {
    Object.assign(this, { header, usual: header.settings, now: { ...header.settings } });
    const { options } = header;
    const moved = (name) => (value) => {
      this.now[name] = value;
      this.show();
      changed(name);
    };
    const few = (name, label, titles) => new Choice({
      label, name: `toy-${name}`, options: titles.map(([value, title]) => ({ value, title })), moved: moved(name),
    });
    const numbers = (name, label, text = String) => few(name, label, options[name].map((value) => [value, text(value)]));
    this.controls = {
      data: few("data", "data", [...Object.entries(options.data)]),
      loss: few("loss", "G's loss", Object.entries(options.loss)),
      per: numbers("per", "D's steps"),
      ratio: new Knob({ label: "learning rate of D, beside G's", values: options.ratio, text: times, moved: moved("ratio") }),
      r1: new Toggle({ label: "R1", title: "A penalty that keeps D's slope small at real points", moved: moved("r1") }),
      average: new Toggle({ label: "averaged G", title: "Shows the moving average of G's weights", moved: moved("average") }),
      c: new Knob({ label: "variance c of p(x|z)", values: options.c, text: String, moved: moved("c") }),
      noisy: new Toggle({ label: "noise of p(x|z)", title: "Adds the decoder's noise to its samples", moved: moved("noisy") }),
      latent: numbers("latent", "numbers in z"),
    };
    const put = (place, ...names) => find(place).append(...names.map((name) => this.controls[name].box));
    put(".shapes", "data");
    put(".of-gan .switches", "ratio", "loss", "per", "r1", "average");
    put(".of-vae .switches", "c", "latent", "noisy");
    this.show();
  }

  show() { for (const [name, control] of Object.entries(this.controls)) control.set(this.now[name]); }

  set(changes) {
    Object.assign(this.now, changes);
    this.show();
  }

  // {name in a link: text, or "" for what is usual}.
  linked() {
    const { now, usual, header: { names } } = this;
    const text = (value) => (typeof value === "boolean" ? String(Number(value)) : String(value));
    return Object.fromEntries(Object.entries(names).map(([name, linked]) => [linked, now[name] === usual[name] ? "" : text(now[name])]));
  }

  // The values of what linked() says nothing of.
  usualOfLink() {
    const { usual, header: { names } } = this;
    return Object.fromEntries(Object.entries(names).map(([name, linked]) => [linked, usual[name]]));
  }

  // What a link says, already checked.
  restore(values) {
    const { header: { names } } = this;
    this.set(Object.fromEntries(Object.entries(names).filter(([, linked]) => linked in values).map(([name, linked]) => [name, values[linked]])));
  }
}
