// The drawing: ink on a grid finer than the image's pixels, and how it becomes the image. Knows no screen.

const FINE = 6; // cells of ink along a pixel
const SOFT = 0.6; // pixels over which the brush's edge fades
const BOX = 20 / 28; // of the image's side: MNIST's digits were scaled to fit 20 by 20 of 28 by 28 pixels
const ENLARGED = 2; // at most: a dot is to stay a dot

export class Ink {
  // side: of the image, in pixels.
  constructor(side) {
    this.side = side;
    this.cells = side * FINE;
    this.ink = new Uint8Array(this.cells ** 2); // 0 to 255
  }

  clear() { this.ink.fill(0); }

  // Every cell of a pixel gets the pixel's value, 0 to 255, so that `pixels` gives the image back as it is.
  fill(image) {
    const { side, cells, ink } = this;
    for (let y = 0; y < cells; y++) {
      const row = Math.floor(y / FINE) * side;
      for (let x = 0; x < cells; x++) ink[y * cells + x] = image[row + Math.floor(x / FINE)];
    }
  }

  // One straight stretch of a stroke, or a dot; places and radius in pixels.
  stroke([x0, y0], [x1, y1], radius, erase) {
    const { cells, ink } = this;
    const reach = radius + SOFT / 2;
    const cell = (place) => Math.min(Math.max(Math.floor(place * FINE), 0), cells - 1);
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length = dx * dx + dy * dy;
    const [left, right] = [cell(Math.min(x0, x1) - reach), cell(Math.max(x0, x1) + reach)];
    for (let row = cell(Math.min(y0, y1) - reach), bottom = cell(Math.max(y0, y1) + reach); row <= bottom; row++) {
      const y = (row + 0.5) / FINE - y0;
      for (let column = left; column <= right; column++) {
        const x = (column + 0.5) / FINE - x0;
        const along = length ? Math.min(Math.max((x * dx + y * dy) / length, 0), 1) : 0;
        const away = Math.hypot(x - along * dx, y - along * dy);
        const cover = 255 * Math.min(Math.max((reach - away) / SOFT, 0), 1);
        const at = row * cells + column;
        ink[at] = erase ? Math.min(ink[at], 255 - cover) : Math.max(ink[at], cover);
      }
    }
  }

  // A whole stroke: `places` in units of `scale` pixels, joined by straight stretches.
  stretch(places, radius, erase, scale = 1) {
    const at = places.map((place) => place.map((value) => scale * value));
    at.forEach((place, k) => this.stroke(at[Math.max(0, k - 1)], place, radius, erase));
  }

  // The image as drawn, float32 in [0, 1], whole 255ths as in a picture file.
  pixels() {
    const { side, cells, ink } = this;
    const sums = new Float32Array(side * side);
    for (let y = 0; y < cells; y++) {
      const row = Math.floor(y / FINE) * side;
      for (let x = 0; x < cells; x++) sums[row + Math.floor(x / FINE)] += ink[y * cells + x];
    }
    return sums.map((sum) => Math.round(sum / (FINE * FINE)) / 255);
  }

  // The image as MNIST was made (LeCun et al. 1998): fitted into a box of 20 by 20 pixels, its proportions kept, then
  // shifted so that its centre of mass is the image's centre.
  centredPixels() {
    const { side, cells, ink } = this;
    const found = this.extent();
    if (!found) return new Float32Array(side * side);
    const { left, right, top, bottom, cx, cy } = found;
    const unit = Math.min((BOX * side) / Math.max(right - left, bottom - top), ENLARGED / FINE); // pixels per cell
    const columns = overlaps(cx, unit, side, left, right);
    const rows = overlaps(cy, unit, side, top, bottom);
    const out = new Float32Array(side * side);
    for (let row = 0; row < side; row++) {
      const { start: firstRow, shares: heights } = rows[row];
      for (let i = 0; i < heights.length; i++) {
        const line = (firstRow + i) * cells;
        for (let column = 0; column < side; column++) {
          const { start: firstColumn, shares: widths } = columns[column];
          let total = 0;
          for (let j = 0; j < widths.length; j++) total += widths[j] * ink[line + firstColumn + j];
          out[row * side + column] += heights[i] * total;
        }
      }
    }
    return out.map((value) => Math.round(value) / 255);
  }

  // First and last cell with ink (the latter exclusive) along both axes, and the centre of mass, in cells.
  extent() {
    const { cells, ink } = this;
    let [left, right, top, bottom, mass, mx, my] = [cells, 0, cells, 0, 0, 0, 0];
    for (let y = 0; y < cells; y++) {
      for (let x = 0; x < cells; x++) {
        const value = ink[y * cells + x];
        if (!value) continue;
        if (x < left) left = x;
        if (x >= right) right = x + 1;
        if (y < top) top = y;
        bottom = y + 1;
        mass += value;
        mx += value * (x + 0.5);
        my += value * (y + 0.5);
      }
    }
    return mass ? { left, right, top, bottom, cx: mx / mass, cy: my / mass } : null;
  }
}

// Which cells of first to last each of `side` pixels covers, and by how much of the pixel: the cell it starts in, and
// the shares from there on. The cell coordinate `centre` lies at the middle of the pixels; a cell is `unit` pixels long.
function overlaps(centre, unit, side, first, last) {
  return Array.from({ length: side }, (_, pixel) => {
    const from = (pixel - side / 2) / unit + centre;
    const to = (pixel + 1 - side / 2) / unit + centre;
    const start = Math.max(first, Math.floor(from));
    const shares = [];
    for (let cell = start; cell < last && cell < to; cell++) {
      shares.push((Math.min(to, cell + 1) - Math.max(from, cell)) * unit);
    }
    return { start, shares };
  });
}
