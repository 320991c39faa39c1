// The decoded manifold: images on a grid over a view, drawn in slices. Knows a 2D context, not the page.

import { imageToRgba } from "./pictures.js";
import { slices } from "./slices.js";

// Decoded images on a grid over the view: coarse first, then finer, one row part at a time.
export class Manifold {
  version;
  decoder;
  image;

  canvas;

  static GRID = 28;
  static LEVELS = [7, 14, 28];
  static CHUNK = 7;

  constructor(canvas, decoder, image) {
    Object.assign(this, { canvas, decoder, image, version: 0, milliseconds: null, longestSlice: 0 });
    canvas.width = Manifold.GRID * image.width;
    canvas.height = Manifold.GRID * image.height;
    this.context = canvas.getContext("2d");
    this.context.imageSmoothingEnabled = true;
    this.tile = new OffscreenCanvas(image.width, image.height);
    this.tileContext = this.tile.getContext("2d");
    this.data = this.tileContext.createImageData(image.width, image.height);
  }

  // What to draw one after the other, [level, row, first column].
  static chunks() {
    const chunks = [];
    for (const level of Manifold.LEVELS) {
      for (let row = 0; row < level; row++) {
        for (let column = 0; column < level; column += Manifold.CHUNK) chunks.push([level, row, column]);
      }
    }
    return chunks;
  }

  // Fills the grid for a view; a later call replaces one in progress. The old picture stays until it is overdrawn.
  fill(view, onDone) {
    const version = ++this.version;
    const began = performance.now();
    this.longestSlice = 0;
    const chunks = Manifold.chunks();
    let next = 0;
    slices.add(() => {
      if (version !== this.version) return false;
      const start = performance.now();
      this.chunk(view, ...chunks[next++]);
      this.longestSlice = Math.max(this.longestSlice, performance.now() - start);
      if (next < chunks.length) return true;
      this.milliseconds = performance.now() - began;
      onDone?.();
      return false;
    });
  }

  chunk(view, level, row, column) {
    const points = [];
    const last = Math.min(column + Manifold.CHUNK, level);
    for (let c = column; c < last; c++) points.push(...view.toLatent((c + 0.5) / level, (row + 0.5) / level));
    const values = this.decoder.decode(points);
    const width = this.canvas.width / level;
    const height = this.canvas.height / level;
    for (let c = column; c < last; c++) {
      imageToRgba(values, (c - column) * this.decoder.size, this.image, this.data.data, true);
      this.context.clearRect(c * width, row * height, width, height);
      if (level === Manifold.GRID) { this.context.putImageData(this.data, c * width, row * height); continue; }
      this.tileContext.putImageData(this.data, 0, 0);
      this.context.drawImage(this.tile, c * width, row * height, width, height);
    }
  }
}
