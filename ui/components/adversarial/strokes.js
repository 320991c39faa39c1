// Data drawn by hand on a plane: strokes, kept as a link writes them. Knows the plane's places and events, not what they are for.

import { LONGEST, read, simplified, written } from "../pad/strokes.js";

const SIDE = 28; // pixels of the pad whose text this is (../pad/strokes.js)

export class Drawing {
  // half: of the plane.
  constructor(half) {
    this.half = half;
    this.strokes = []; // in pixels of the pad
  }

  toPad([x, y]) { return [(x / (2 * this.half) + 0.5) * SIDE, (0.5 - y / (2 * this.half)) * SIDE]; }
  fromPad([u, v]) { return [(u / SIDE - 0.5) * 2 * this.half, (0.5 - v / SIDE) * 2 * this.half]; }

  // The strokes as places of the plane.
  places() { return this.strokes.map(({ places }) => places.map((place) => this.fromPad(place))); }

  // Gives whether there was room in a link for one more.
  add(places) {
    const strokes = [...this.strokes, { erase: false, places: simplified(places.map((place) => this.toPad(place))) }];
    if (written("b", strokes).length > LONGEST) return false;
    this.strokes = strokes;
    return true;
  }

  undo() { this.strokes = this.strokes.slice(0, -1); }
  clear() { this.strokes = []; }

  // As a link says it; nothing where nothing is drawn.
  get text() { return this.strokes.length ? written("b", this.strokes) : ""; }
  set text(text) { this.strokes = text ? read(text).strokes.filter(({ erase, places }) => !erase && places.length) : []; }
}
