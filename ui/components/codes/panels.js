// What the panels below the pad have in common: a grid of the image's codes, in which a cell can be chosen here too, and
// what follows `now`.

import { panel } from "../pad/now.js";
import { Grid } from "./grid.js";
import { now } from "./now.js";

export class Panel {
  // name: of the panel's own element.
  constructor(parent, name) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(`.${name}`);
    this.find = (selector) => this.root.querySelector(selector);
    this.root.panel = this; // for tests and the browser console
    this.grid = this.makeGrid();
  }

  makeGrid() { return new Grid(this.find(".grid"), { choose: (cell) => this.shown.choose(cell) }); }

  // For another model; and for whatever is on the pad now, rested: the pen is up.
  build(_shown) { throw new Error("a panel builds itself"); }
  show(_shown, _rested) { throw new Error("a panel shows itself"); }

  // To be called at the end of a constructor: it may show something at once.
  follow() { this.unfollow = now.follow((shown, rested) => this.receive(shown, rested)); }

  // shown: the component Codes.
  receive(shown, rested) {
    this.shown = shown;
    if (shown.payload !== this.payload) {
      this.payload = shown.payload;
      this.root.hidden = false;
      this.grid.build(shown.header);
      this.build(shown);
    }
    this.grid.mark(shown.cell);
    this.show(shown, rested);
  }

  end() {
    this.unfollow();
    this.root.remove();
  }
}

export { panel };
