// What is seen of both models on their planes. Knows a 2D context and numbers, not the page.

import { PLANE } from "../engine/drawing.js";

export const COLOURS = { data: "#E8EEF7", sample: "#FFD166", arrow: "#6FE3B2", missed: "#EE8866", grid: "rgb(196, 181, 253)", real: [0x66, 0xA9, 0xE0], fake: [0xE0, 0x5A, 0x4E], density: [0x3F, 0xA6, 0x9B] };
const FIELD = 32; // cells of a field along each axis
const FAINTEST = 0.05; // squared: of a density, beside its highest
const ARROW = 0.55; // of the plane's units: the longest arrow

// Numbers on a grid over the plane, as a picture that the browser smooths.
class Field {
  constructor(half) {
    this.canvas = new OffscreenCanvas(FIELD, FIELD);
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(FIELD, FIELD);
    this.axis = Float64Array.from({ length: FIELD }, (_, k) => ((2 * k + 1) / FIELD - 1) * half);
    this.points = new Float64Array(2 * FIELD * FIELD);
    for (let row = 0, i = 0; row < FIELD; row++) {
      for (let column = 0; column < FIELD; column++) {
        this.points[i++] = this.axis[column];
        this.points[i++] = -this.axis[row];
      }
    }
  }

  // colour(value): [r, g, b, alpha from 0 to 255].
  paint(values, colour) {
    const { data } = this.image;
    for (let i = 0; i < FIELD * FIELD; i++) {
      const [r, g, b, alpha] = colour(values[i]);
      data[4 * i] = r;
      data[4 * i + 1] = g;
      data[4 * i + 2] = b;
      data[4 * i + 3] = alpha;
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

// One model's plane, from -half to half along both axes.
export class Scene {
  canvas;
  half;
  ratio;
  kept;

  constructor(canvas, half) {
    Object.assign(this, { canvas, half });
    this.context = canvas.getContext("2d");
    this.field = new Field(half);
  }

  // To be called when the canvas has another size on screen. Gives whether it had.
  fit() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const side = Math.round(this.canvas.clientWidth * ratio);
    if (!side || side === this.canvas.width) return false;
    this.canvas.width = this.canvas.height = side;
    this.ratio = ratio;
    return true;
  }

  get side() { return this.canvas.width / this.ratio; }

  at(x, y) { return [(x / (2 * this.half) + 0.5) * this.side, (0.5 - y / (2 * this.half)) * this.side]; }
  // The place under a pointer.
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(2 * (event.clientX - box.left) / box.width - 1) * this.half, (1 - 2 * (event.clientY - box.top) / box.height) * this.half];
  }

  begin() {
    const { context, side, ratio } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = PLANE.ground;
    context.fillRect(0, 0, side, side);
  }

  // Makes the field of a discriminator: where it says real, blue; where it says made up, red; dark where it cannot tell.
  // judge(points): D at each.
  judged(judge) {
    const { real, fake } = COLOURS;
    this.field.paint(judge(this.field.points), (value) => {
      const sure = 2 * value - 1;
      return [...(sure > 0 ? real : fake), 215 * Math.abs(sure) ** 0.8];
    });
  }

  // Makes the field of a density, of samples with Gaussian noise: the mean of their Gaussians at each cell. One axis at a
  // time, as each is diagonal.
  dense(means, deviation) {
    const { axis } = this.field;
    const count = means.length / 2;
    const wide = Math.max(deviation, (0.6 * 2 * this.half) / FIELD); // no narrower than the cells can show
    const found = new Float64Array(FIELD * FIELD);
    const [across, up] = [new Float64Array(FIELD), new Float64Array(FIELD)];
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < FIELD; k++) {
        across[k] = Math.exp(-0.5 * ((axis[k] - means[2 * i]) / wide) ** 2);
        up[k] = Math.exp(-0.5 * ((-axis[k] - means[2 * i + 1]) / wide) ** 2);
      }
      for (let row = 0, at = 0; row < FIELD; row++) {
        if (up[row] < 1e-4) { at += FIELD; continue; }
        for (let column = 0; column < FIELD; column++, at++) found[at] += up[row] * across[column];
      }
    }
    const most = Math.max(...found);
    this.field.paint(found, (value) => {
      const share = value / most;
      return [...COLOURS.density, share < FAINTEST ** 2 ? 0 : 235 * Math.sqrt(share)];
    });
  }

  // Draws the field as it was made last.
  background() {
    this.context.drawImage(this.field.canvas, 0, 0, this.side, this.side);
  }

  // The points to learn from, which stay: drawn once, then copied.
  data(points) {
    if (this.kept?.points !== points || this.kept.side !== this.side) {
      const canvas = new OffscreenCanvas(this.canvas.width, this.canvas.height);
      const context = canvas.getContext("2d");
      context.scale(this.ratio, this.ratio);
      this.dots(points, 1.6, COLOURS.data, 0.55, context);
      this.kept = { points, side: this.side, canvas };
    }
    this.context.drawImage(this.kept.canvas, 0, 0, this.side, this.side);
  }

  dots(points, radius, colour, alpha, context = this.context) {
    const path = new Path2D();
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = this.at(points[i], points[i + 1]);
      path.moveTo(x + radius, y);
      path.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.fill(path);
    context.globalAlpha = 1;
  }

  // The image of a grid of z, whose cells all hold the same share of the prior: where it is squeezed, samples are many.
  // places: [x0, y0, ...] row by row; columns, rows: of the grid; a line where there is one row.
  warped(places, columns, rows) {
    const { context, side } = this;
    const at = new Float64Array(2 * rows * columns); // on screen
    for (let i = 0; i < at.length; i += 2) [at[i], at[i + 1]] = this.at(places[i], places[i + 1]);
    const line = (from, step, count) => {
      context.moveTo(at[from], at[from + 1]);
      for (let k = 1, i = from + step; k < count; k++, i += step) context.lineTo(at[i], at[i + 1]);
    };
    context.lineJoin = "round";
    context.fillStyle = COLOURS.grid; // and how faint apart from it: a colour to read for each cell takes longer than the cell
    const fair = side ** 2 / ((columns - 1) * (rows - 1)) / 6; // the area of a cell that is drawn plainly
    for (let row = 0; row + 1 < rows; row++) {
      for (let a = 2 * row * columns, last = a + 2 * (columns - 1); a < last; a += 2) {
        const [b, c, d] = [a + 2, a + 2 + 2 * columns, a + 2 * columns];
        const area = Math.abs((at[c] - at[a]) * (at[d + 1] - at[b + 1]) - (at[d] - at[b]) * (at[c + 1] - at[a + 1])) / 2;
        const alpha = Math.min(0.34, (0.16 * fair) / (area + 0.1 * fair));
        if (alpha < 0.03) continue;
        context.globalAlpha = alpha;
        context.beginPath();
        context.moveTo(at[a], at[a + 1]);
        for (const corner of [b, c, d]) context.lineTo(at[corner], at[corner + 1]);
        context.fill();
      }
    }
    context.globalAlpha = rows > 1 ? 0.5 : 0.95;
    context.strokeStyle = COLOURS.grid;
    context.lineWidth = rows > 1 ? 0.8 : 2;
    context.beginPath();
    for (let row = 0; row < rows; row++) line(2 * row * columns, 2, columns);
    if (rows > 1) for (let column = 0; column < columns; column++) line(2 * column, 2 * columns, rows);
    context.stroke();
    context.globalAlpha = 1;
  }

  // Arrows from points along their pulls, which shorten as these vanish and grow no longer than ARROW.
  arrows(points, pulls) {
    const { context } = this;
    const scale = this.side / (2 * this.half);
    context.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const size = Math.hypot(pulls[i], pulls[i + 1]);
      const length = ARROW * (size / (size + 1.5)) * scale;
      if (length < 1.5) continue;
      const [x, y] = this.at(points[i], points[i + 1]);
      const [u, v] = [pulls[i] / size, -pulls[i + 1] / size];
      const [tipX, tipY] = [x + u * length, y + v * length];
      const head = Math.min(4.5, 0.45 * length);
      context.moveTo(x, y);
      context.lineTo(tipX, tipY);
      context.moveTo(tipX - head * (u + 0.6 * v), tipY - head * (v - 0.6 * u));
      context.lineTo(tipX, tipY);
      context.lineTo(tipX - head * (u - 0.6 * v), tipY - head * (v + 0.6 * u));
    }
    context.strokeStyle = COLOURS.arrow;
    context.lineWidth = 1.3;
    context.stroke();
  }

  // A line from each point to another one of its own.
  ties(points, others) {
    const { context } = this;
    context.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      context.moveTo(...this.at(points[i], points[i + 1]));
      context.lineTo(...this.at(others[i], others[i + 1]));
    }
    context.strokeStyle = COLOURS.arrow;
    context.lineWidth = 1.1;
    context.stroke();
    this.dots(others, 1.9, COLOURS.arrow, 1);
  }

  // Circles around the modes: whole where one was found, dashed where it is missed.
  modes(places, found, radius) {
    const { context } = this;
    const reach = (radius / (2 * this.half)) * this.side;
    places.forEach(([x, y], k) => {
      const [u, v] = this.at(x, y);
      context.beginPath();
      context.arc(u, v, reach, 0, 2 * Math.PI);
      context.setLineDash(found[k] ? [] : [3, 3]);
      context.lineWidth = found[k] ? 1 : 1.6;
      context.strokeStyle = found[k] ? "rgba(255, 255, 255, 0.5)" : COLOURS.missed;
      context.stroke();
    });
    context.setLineDash([]);
  }

  // A stroke that is being drawn.
  stroke(places) {
    const { context } = this;
    context.beginPath();
    places.forEach(([x, y], k) => context[k ? "lineTo" : "moveTo"](...this.at(x, y)));
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = "rgba(232, 238, 247, 0.8)";
    context.stroke();
    if (places.length === 1) this.dots(Float64Array.from(places[0]), 5, COLOURS.data, 0.8);
  }

  cross([x, y]) {
    const { context } = this;
    const [u, v] = this.at(x, y);
    for (const [width, colour] of [[3.5, PLANE.halo], [1.5, "#ffffff"]]) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.beginPath();
      context.moveTo(u - 8, v);
      context.lineTo(u + 8, v);
      context.moveTo(u, v - 8);
      context.lineTo(u, v + 8);
      context.stroke();
    }
  }
}
