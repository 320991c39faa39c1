// What each stop decodes to: its manifold, its samples, its reconstructions. Drawn once per stop, a chunk at a time, and
// kept; the stop that is shown comes first, the others when the dial rests.

import { Manifold } from "../engine/manifold.js";
import { imageToRgba } from "../engine/pictures.js";
import { slices } from "../engine/slices.js";

const COLUMNS = 12; // of images in a row
const GAP = 2; // image pixels
const TILES_AT_ONCE = 6;

// A canvas of images in rows.
export class Sheet {
  image;

  constructor(canvas, image, count) {
    Object.assign(this, { canvas, image });
    const rows = Math.ceil(count / COLUMNS);
    canvas.width = Math.min(count, COLUMNS) * (image.width + GAP) - GAP;
    canvas.height = rows * (image.height + GAP) - GAP;
    this.context = canvas.getContext("2d");
    this.data = new ImageData(image.width, image.height);
  }

  place(index) {
    return [(index % COLUMNS) * (this.image.width + GAP), Math.floor(index / COLUMNS) * (this.image.height + GAP)];
  }

  show(index, values, start) {
    imageToRgba(values, start, this.image, this.data.data);
    this.context.putImageData(this.data, ...this.place(index));
  }

  // Shows tile number `tile` of a sheet of thumbnails.
  showTile(index, thumbnails, tile) {
    const { width, height } = this.image;
    const from = [(tile % thumbnails.columns) * width, Math.floor(tile / thumbnails.columns) * height];
    this.context.drawImage(thumbnails.bitmap, ...from, width, height, ...this.place(index), width, height);
  }
}

// All pictures of one stop.
class StopPictures {
  stop;
  drawn;

  constructor(stop, samples, image) {
    Object.assign(this, { stop, samples, image, complete: false, drawn: [] });
    const dimensions = stop.codeDecoder.inputs;
    this.sheets = Object.fromEntries(Object.entries({ samples, rebuilt: stop.pinned }).map(([name, codes]) =>
      [name, { codes, sheet: new Sheet(new OffscreenCanvas(1, 1), image, codes.length / dimensions) }]));
    this.manifold = new Manifold(new OffscreenCanvas(1, 1), stop.decoder, image);
    this.chunks = this.draw();
  }

  // Draws all of it and yields after each chunk what has changed: {name} of a sheet, or {rectangle} of the manifold.
  * draw() {
    const { codeDecoder, view } = this.stop;
    const width = codeDecoder.inputs;
    for (const [name, { codes, sheet }] of Object.entries(this.sheets)) {
      for (let first = 0; first * width < codes.length; first += TILES_AT_ONCE) {
        const some = codes.subarray(first * width, (first + TILES_AT_ONCE) * width);
        const values = codeDecoder.decode(some);
        for (let k = 0; k * width < some.length; k++) sheet.show(first + k, values, k * codeDecoder.size);
        yield { name };
      }
    }
    for (const [level, row, column] of Manifold.chunks()) {
      this.manifold.chunk(view, level, row, column);
      const [x, y] = [this.manifold.canvas.width / level, this.manifold.canvas.height / level];
      const rectangle = [column * x, row * y, Math.min(Manifold.CHUNK, level - column) * x, y];
      this.drawn.push(rectangle);
      yield { rectangle };
    }
  }

  // Draws the next chunk; null once all is drawn.
  step() {
    const { value, done } = this.chunks.next();
    this.complete = done;
    return done ? null : value;
  }
}

export class Gallery {
  pictures;
  samples;
  image;
  canvases;

  // canvases: {manifold, samples, rebuilt} on the page. samples: codes, the same at every stop.
  constructor(canvases, image, samples) {
    Object.assign(this, { canvases, image, samples, pictures: new Map(), shown: null, resting: true });
    this.contexts = Object.fromEntries(Object.entries(canvases).map(([name, canvas]) => [name, canvas.getContext("2d")]));
    canvases.manifold.width = Manifold.GRID * image.width;
    canvases.manifold.height = Manifold.GRID * image.height;
  }

  add(stop) {
    this.pictures.set(stop.index, new StopPictures(stop, this.samples, this.image));
    this.wake();
  }

  // Shows a stop's pictures as far as they are drawn; the old ones stay beneath until they are overdrawn.
  show(index) {
    const next = this.pictures.get(index);
    if (this.shown === next) return;
    const before = this.shown;
    this.shown = next;
    for (const name of Object.keys(next.sheets)) {
      const { width, height } = next.sheets[name].sheet.canvas;
      const canvas = this.canvases[name];
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      this.copySheet(name);
    }
    const { manifold: context } = this.contexts;
    const { width, height } = context.canvas;
    if (next.complete) {
      context.clearRect(0, 0, width, height);
      context.drawImage(next.manifold.canvas, 0, 0);
    } else {
      if (before) this.stretchOld(context, before.stop.view, next.stop.view);
      for (const rectangle of next.drawn) this.copyPart(rectangle);
    }
    this.wake();
  }

  // Puts what the canvas shows of one view where it belongs in another.
  stretchOld(context, from, to) {
    const { width, height } = context.canvas;
    const [u, v] = to.toPlane(from.cx - from.half, from.cy + from.half);
    const factor = from.half / to.half;
    context.globalCompositeOperation = "copy";
    context.drawImage(context.canvas, u * width, v * height, factor * width, factor * height);
    context.globalCompositeOperation = "source-over";
  }

  // What is drawn of a sheet covers the old one; tiles still to come let it through.
  copySheet(name) { this.contexts[name].drawImage(this.shown.sheets[name].sheet.canvas, 0, 0); }

  copyPart([x, y, width, height]) {
    this.contexts.manifold.clearRect(x, y, width, height);
    this.contexts.manifold.drawImage(this.shown.manifold.canvas, x, y, width, height, x, y, width, height);
  }

  setResting(resting) {
    this.resting = resting;
    if (resting) this.wake();
  }

  wake() {
    if (this.working) return;
    this.working = true;
    slices.add(() => this.work());
  }

  // One chunk of the most wanted stop; false when there is nothing to do for now.
  work() {
    const next = this.wanted();
    this.working = Boolean(next);
    if (!next) return false;
    const changed = next.step();
    if (next !== this.shown || !changed) return true;
    if (changed.name) this.copySheet(changed.name);
    else this.copyPart(changed.rectangle);
    return true;
  }

  wanted() {
    if (!this.shown || this.gone) return null;
    if (!this.shown.complete) return this.shown;
    if (!this.resting) return null;
    const away = ({ stop }) => Math.abs(stop.index - this.shown.stop.index);
    const rest = [...this.pictures.values()].filter(({ complete }) => !complete);
    return rest.sort((one, other) => away(one) - away(other))[0] ?? null;
  }

  end() { this.gone = true; }
}
