// A small chart in SVG: it takes its colours from the page's style, so it follows the theme, and is sharp everywhere.

import { roundTicks, signed } from "../engine/view.js";

const SVG = "http://www.w3.org/2000/svg";
// CSS pixels: the names of the axes stand outside of what is drawn, the upright one's above it.
const MARGIN = { left: 38, right: 12, top: 8, bottom: 34 };
const NAME = 14;

function drawn(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const px = (value) => value.toFixed(2);
let charts = 0; // for ids that no other chart has

export class Chart {
  box;
  width;
  height;
  square;
  redraw;
  x;
  y;
  rows;
  names;

  // box: an empty element with a height. names: of the axes. layers: class names of what will be drawn, the lowest
  // first. square: one scale for both axes. rows: what is drawn lies in rows, and the other axis means nothing.
  // redraw(): called when the size has changed.
  constructor(box, { names, layers, square = false, rows = false, redraw }) {
    Object.assign(this, { box, names, square, rows, redraw, x: [0, 1], y: [0, 1] });
    this.svg = drawn("svg", { role: "img" });
    this.axes = drawn("g", { class: "axes" });
    const clip = drawn("clipPath", { id: `chart-${++charts}` });
    this.frame = drawn("rect");
    clip.append(this.frame);
    const plot = drawn("g", { "clip-path": `url(#chart-${charts})` });
    this.layers = Object.fromEntries(layers.map((name) => {
      const path = drawn("path", { class: name });
      plot.append(path);
      return [name, path];
    }));
    this.svg.append(clip, this.axes, plot);
    box.replaceChildren(this.svg);
    this.resizes = new ResizeObserver(() => this.measure());
    this.resizes.observe(box);
    this.measure();
  }

  measure() {
    const { clientWidth: width, clientHeight: height } = this.box;
    const top = MARGIN.top + (this.names[1] ? NAME : 0);
    const room = width > MARGIN.left + MARGIN.right && height > top + MARGIN.bottom; // not before it is laid out
    if (!room || (width === this.width && height === this.height)) return;
    Object.assign(this, { width, height });
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    let [across, up] = [width - MARGIN.left - MARGIN.right, height - top - MARGIN.bottom];
    if (this.square) across = up = Math.min(across, up);
    this.plot = { left: MARGIN.left, top, width: across, height: up };
    for (const [name, value] of Object.entries({ x: MARGIN.left, y: top, width: across, height: up })) {
      this.frame.setAttribute(name, value);
    }
    this.drawAxes();
    this.redraw();
  }

  // What the axes span; draws them anew where that changed.
  span(x, y) {
    if (String([x, y]) === String([this.x, this.y])) return;
    Object.assign(this, { x, y });
    if (this.plot) this.drawAxes();
  }

  left(x) { return this.plot.left + ((x - this.x[0]) / (this.x[1] - this.x[0])) * this.plot.width; }
  top(y) { return this.plot.top + ((this.y[1] - y) / (this.y[1] - this.y[0])) * this.plot.height; }
  // The place on the horizontal axis under a pointer.
  under(event) {
    const share = (event.clientX - this.svg.getBoundingClientRect().left - this.plot.left) / this.plot.width;
    return this.x[0] + Math.min(Math.max(share, 0), 1) * (this.x[1] - this.x[0]);
  }

  drawAxes() {
    const { left, top, width, height } = this.plot;
    const made = [];
    const text = (words, x, y, anchor, kind = "tick") => {
      const label = drawn("text", { x: px(x), y: px(y), "text-anchor": anchor, class: kind });
      label.textContent = words;
      made.push(label);
    };
    const across = roundTicks(...this.x, width < 360 ? 4 : 8);
    const up = this.square ? across : roundTicks(...this.y, height < 160 ? 3 : 5);
    if (this.rows) up.ticks = [];
    let grid = "";
    for (const tick of across.ticks) {
      grid += `M${px(this.left(tick))} ${px(top)}V${px(top + height)}`;
      text(signed(tick, across.digits), this.left(tick), top + height + 15, "middle");
    }
    for (const tick of up.ticks) {
      grid += `M${px(left)} ${px(this.top(tick))}H${px(left + width)}`;
      text(signed(tick, up.digits), left - 6, this.top(tick) + 3.5, "end");
    }
    made.unshift(drawn("path", { d: grid, class: "grid" }));
    text(this.names[0], left + width, top + height + 30, "end", "name");
    if (this.names[1]) text(this.names[1], 4, 11, "start", "name");
    this.axes.replaceChildren(...made);
  }

  set(layer, path) { this.layers[layer].setAttribute("d", path); }

  line(points) { return points.map(([x, y], k) => `${k ? "L" : "M"}${px(this.left(x))} ${px(this.top(y))}`).join(""); }
  filled(points, floor) {
    if (!points.length) return "";
    const [first, last] = [points[0], points.at(-1)];
    return `${this.line([[first[0], floor], ...points, [last[0], floor]])}Z`;
  }
  between(upper, lower) { return upper.length ? `${this.line([...upper, ...[...lower].reverse()])}Z` : ""; }
  dots(points) { return points.map(([x, y]) => `M${px(this.left(x))} ${px(this.top(y))}h0`).join(""); }
  level(y) { return this.line([[this.x[0], y], [this.x[1], y]]); }
  upright(x) { return this.line([[x, this.y[0]], [x, this.y[1]]]); }

  say(sentence) { this.svg.setAttribute("aria-label", sentence); }

  remove() { this.resizes.disconnect(); }
}

/**
 * [[x, of(x)]] at `count` + 1 places of a range [low, high].
 * @param {(x: number) => number} of
 * @param {number[]} range
 */
export function sampledCurve(of, [low, high], count = 320) {
  return Array.from({ length: count + 1 }, (_, k) => {
    const x = low + ((high - low) * k) / count;
    return [x, of(x)];
  });
}

// The least of 0.5, 1, 2, 4, ... that holds a value: an axis that rarely changes.
export const ceiling = (value) => 2 ** Math.max(-1, Math.ceil(Math.log2(value)));
