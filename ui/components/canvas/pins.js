// Pinned points: several can be compared, and on linked planes it is seen where the other model puts them.

import { pageLink } from "../engine/link.js";
import { element, named } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { nearestPoint } from "../engine/view.js";

const MOST = 8;

export class Pins {
  constructor(canvas) {
    this.canvas = canvas;
    this.strip = canvas.find(".pins");
    this.list = []; // {x, y, index of the image there, or -1}
  }

  // places: [[x, y], ...], instead of those there are.
  take(places) { this.list = places.map(([x, y]) => this.make(x, y)); }

  make(x, y) {
    const { xy, classes, hidden, header } = this.canvas;
    const [index, distance] = nearestPoint(xy, classes, hidden, x, y);
    return { x, y, index: distance <= header.empty_beyond ? index : -1 };
  }

  add(x, y) {
    this.list.push(this.make(x, y));
    if (this.list.length > MOST) this.list.shift();
    this.changed();
    this.canvas.say(`Pinned. ${this.canvas.readout.sentence()}`);
  }

  remove(index) {
    if (index < 0) return;
    this.list.splice(index, 1);
    this.changed();
    this.canvas.say("Pin removed.");
  }

  clear() {
    this.list = [];
    this.changed();
  }

  changed() {
    const { canvas } = this;
    this.show();
    canvas.drawMarks();
    canvas.commit("pins", this.places());
    pageLink.changed();
    canvas.others().forEach((other) => other.drawMarks());
  }

  places() { return this.list.map(({ x, y }) => [x, y]); }

  show() {
    const { canvas, strip } = this;
    if (this.list.length === 0) {
      strip.replaceChildren(element("span", { className: "hint", textContent: `Click, or press Enter, to pin up to ${MOST} points and compare them.` }));
      return;
    }
    strip.replaceChildren(...this.list.map(({ x, y }, index) => {
      const picture = named(element("canvas"), `Decoded image at pin ${index + 1}`);
      new Picture(picture, canvas.image).show(canvas.decoder.decode([x, y]));
      const remove = element("button", { type: "button", textContent: "×" });
      remove.setAttribute("aria-label", `Remove pin ${index + 1}`);
      remove.onclick = () => { this.remove(index); canvas.focusPlane(); };
      return element("figure", {}, picture, remove, element("figcaption", { textContent: `${index + 1}: ${canvas.readout.place(x, y)}` }));
    }));
  }
}
