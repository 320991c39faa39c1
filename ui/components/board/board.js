// The image that all benches of the page work on: drawn, or a held-out digit. The server is told nothing; what a link says is
// kept by engine/link.js, and the benches follow (now.js).

import { pageLink } from "../engine/link.js";
import { mounting, showComponent } from "../engine/page.js";
import { Kept } from "../pad/kept.js";
import { Pad } from "../pad/pad.js";
import { LONGEST } from "../pad/strokes.js";
import { drawingInWords } from "../pad/words.js";
import { now } from "./now.js";

const kept = new Kept("uses");

class Board {
  payload;
  header;
  image; // what is on it, float32 (H * W) in [0, 1]

  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".board");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.pad = new Pad(this.root, { changed: () => this.drawn(), rested: () => this.rest() });
    this.root.board = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need.
  prepare(_header) { if (!this.payload) showComponent(this.root, true); }

  // A new payload, or the same one again because the page ran again.
  update(payload) {
    if (payload.headerText === this.headerText) return;
    this.headerText = payload.headerText;
    const { header } = payload;
    Object.assign(this, { payload, header });
    showComponent(this.root);
    this.failed.hidden = true;
    const presets = { images: payload.tensor("presets"), classes: Array.from(payload.tensor("preset_classes")), labels: header.labels };
    this.pad.build(header.image.height, presets, header.options.start);
    this.pad.takePicture(kept.read());
    this.pad.past.length = 0;
    this.pad.show();
    if (!this.linking) pageLink.join(this);
    this.linking = true;
  }

  linked() {
    const { digit, example, drawing } = this.pad.picture();
    return { digit, example, drawing: drawing.length <= LONGEST ? drawing : "" };
  }

  restore(picture) {
    this.pad.takePicture(picture);
    this.pad.past.length = 0;
    this.pad.show();
  }

  // The class of the untouched held-out digit on the pad, and the place of that digit among all held-out ones; null for a
  // drawing.
  get known() {
    const { preset, touched, presets } = this.pad;
    return preset < 0 || touched ? null : { label: presets.classes[preset], number: this.header.numbers[preset] };
  }

  drawn() {
    this.image = this.pad.pixels();
    this.find(".nothing").hidden = this.image.some((value) => value > 0);
    now.publish(this);
  }

  // The pen is up: what takes longer, and what only those need who do not see it.
  rest() {
    const { pad: { presets, preset, touched } } = this;
    const inWords = drawingInWords(this.image, this.header.image.width, { label: preset < 0 ? null : presets.labels[presets.classes[preset]], touched });
    this.find(".told").textContent = `On the board: ${inWords}.`;
    this.find(".too-long").hidden = this.pad.drawing().length <= LONGEST;
    if (this.linking) {
      pageLink.changed();
      kept.write(this.pad.picture());
    }
    now.publish(this, true);
  }

  // For tests: what is on screen, in numbers.
  state() { return { image: Array.from(this.image), known: this.known, drawing: this.pad.drawing() }; }

  remove() {
    pageLink.leave(this);
    now.end();
    this.root.remove();
  }
}

export default mounting(Board, "pad");
