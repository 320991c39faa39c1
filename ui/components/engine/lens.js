// The crosshair of a plane and the lens beside it.

import { lensPlace } from "./view.js";

export class Lens {
  constructor(find) {
    this.cursor = find(".cursor");
    this.box = find(".lens");
  }

  // At (u, v) of a plane with that side. finger: a finger hides more than a pointer.
  show(u, v, side, finger = false) {
    const [x, y] = [u * side, v * side];
    const [left, top] = lensPlace(x, y, side, finger);
    this.cursor.style.transform = `translate(${x}px, ${y}px)`;
    this.box.style.transform = `translate(${left}px, ${top}px)`;
    this.cursor.style.visibility = this.box.style.visibility = "visible";
  }

  // Whether the place is far from all data.
  warn(nothing) { this.box.classList.toggle("nothing", nothing); }

  hide() { this.cursor.style.visibility = this.box.style.visibility = "hidden"; }
}
