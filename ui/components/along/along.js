// A line of codes through latent space: a slider, a large picture, and a strip of steps, decoded in the browser.

import { companions, joinGroup, leaveGroup } from "../canvas/groups.js";
import { Decoder } from "../engine/interpreter.js";
import { pageLink, rounded, unlike } from "../engine/link.js";
import { element, mounting, named, showComponent } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";

const FINE = 200; // steps of the slider from end to end

const text = (value) => value.toFixed(2).replace("-", "−");
const short = (value) => String(Number(value.toFixed(2))).replace("-", "−");

class LatentAlong {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".latent-along");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.input = this.find("input");
    this.input.addEventListener("input", () => this.moved(this.input.valueAsNumber));
    this.root.latentAlong = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need. What is shown already stays until they are.
  prepare(header) {
    if (this.decoder) return;
    this.showFrame(header);
    showComponent(this.root, true);
  }

  update(payload) {
    if (payload.headerText === this.headerText) return;
    const isNew = !this.decoder;
    this.headerText = payload.headerText;
    this.showFrame(payload.header);
    this.decoder = Decoder.ofCodes(payload);
    this.drawSteps();
    const { options, along: { value } } = this.header;
    joinGroup(this, options.group);
    const [other] = companions(this);
    this.place(isNew ? (other?.at ?? value) : this.at);
    if (isNew) pageLink.join(this);
    this.failed.hidden = true;
    showComponent(this.root);
  }

  // What the header alone decides.
  showFrame(header) {
    this.header = header;
    const { title, subtitle, image, along } = header;
    const { low, high, name } = along;
    this.find(".title").textContent = title;
    this.find(".subtitle").textContent = subtitle;
    this.find(".name").textContent = name;
    this.picture = new Picture(named(this.find(".decoded"), `${title}: what it decodes at the slider`), image);
    Object.assign(this.input, { min: String(low), max: String(high), step: String((high - low) / FINE) });
    this.input.setAttribute("aria-label", `${name}, ${title}`);
    this.layStrip();
  }

  layStrip() {
    const { along: { low, high, steps, name }, image } = this.header;
    const places = Array.from({ length: steps }, (_, step) => low + ((high - low) * step) / (steps - 1));
    this.steps = places.map((place) => {
      const canvas = element("canvas", { ariaHidden: "true" });
      const picture = new Picture(canvas, image);
      const button = element("button", { type: "button" }); // over the picture, which is printed without it
      button.setAttribute("aria-label", `${name} = ${short(place)}`);
      button.addEventListener("click", () => this.moved(place));
      return { place, picture, button, tile: element("div", { className: "step" }, canvas, button, element("span", { textContent: short(place) })) };
    });
    this.find(".steps").replaceChildren(...this.steps.map(({ tile }) => tile));
  }

  // All in one batch.
  drawSteps() {
    const decoded = this.decoder.decode(this.steps.flatMap(({ place }) => this.code(place)));
    this.steps.forEach(({ picture }, step) => picture.show(decoded, step * this.decoder.size));
  }

  code(place) { return this.header.along.start.map((value, i) => value + place * this.header.along.direction[i]); }

  // The visitor is at another place: the others of the group follow.
  moved(place) {
    for (const one of [this, ...companions(this)]) one.place(place);
    pageLink.changed();
  }

  place(place) {
    const { low, high } = this.header.along;
    this.at = Math.min(high, Math.max(low, place));
    this.input.value = String(this.at);
    this.find("output").textContent = text(this.at);
    this.picture.show(this.decoder.decode(this.code(this.at)));
    const half = (high - low) / (2 * (this.steps.length - 1));
    for (const { place: step, button } of this.steps) button.setAttribute("aria-pressed", String(Math.abs(step - this.at) < half));
  }

  // For the page's link.
  linked() { return { [this.header.options.link]: unlike(Number(rounded(this.at)), this.header.along.value) }; }
  usual() { return { [this.header.options.link]: this.header.along.value }; }
  restore(values) { this.moved(values[this.header.options.link]); }

  remove() {
    leaveGroup(this);
    pageLink.leave(this);
    this.root.remove();
  }
}

export default mounting(LatentAlong, "line");
