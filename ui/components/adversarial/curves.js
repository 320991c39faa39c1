// Losses over the steps, as small curves that take their colours from the page's style.

import { signed } from "../engine/view.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST = 240; // places along a curve; where there are more, each stands for twice as many steps
const HIGH = 0.97; // the share of a curve that is in sight: its beginning may be far above

// The means of a few series over ever longer stretches of steps.
export class History {
  constructor(names) {
    this.names = names;
    this.clear();
  }

  clear() {
    this.stretch = 1;
    this.series = Object.fromEntries(this.names.map((name) => [name, []]));
    this.waiting = { count: 0, sums: this.names.map(() => 0) };
  }

  add(values) {
    const { waiting, names } = this;
    names.forEach((name, k) => { waiting.sums[k] += values[name]; });
    if (++waiting.count < this.stretch) return;
    names.forEach((name, k) => this.series[name].push(waiting.sums[k] / waiting.count));
    this.waiting = { count: 0, sums: names.map(() => 0) };
    if (this.series[names[0]].length < MOST) return;
    this.stretch *= 2;
    for (const name of names) {
      const all = this.series[name];
      this.series[name] = Array.from({ length: all.length / 2 }, (_, k) => (all[2 * k] + all[2 * k + 1]) / 2);
    }
  }
}

const drawn = (tag, attributes) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};

export class Curves {
  history;
  level;

  // level: {value, text} of a dashed line to compare with.
  constructor(box, history, level = null) {
    Object.assign(this, { history, level });
    this.svg = drawn("svg", { viewBox: "0 0 300 56", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.line = drawn("path", { class: "level" });
    this.paths = history.names.map((name) => drawn("path", { class: name }));
    this.svg.append(this.line, ...this.paths);
    const span = (kind) => Object.assign(document.createElement("span"), { className: kind });
    this.top = span("top");
    this.bottom = span("bottom");
    this.told = span("told");
    if (level) this.told.textContent = level.text;
    box.replaceChildren(this.svg, this.top, this.bottom, this.told);
  }

  draw() {
    const { history: { series, names }, level } = this;
    const all = names.flatMap((name) => series[name]).sort((a, b) => a - b);
    const extra = level ? [level.value] : [];
    const low = all.length ? Math.min(all[0], ...extra) : 0;
    const high = all.length ? Math.max(all[Math.floor(HIGH * (all.length - 1))], ...extra, low + 0.1) : 1;
    const up = (value) => (52 - (48 * (Math.min(value, high) - low)) / (high - low)).toFixed(1);
    names.forEach((name, k) => {
      const values = series[name];
      const step = 300 / Math.max(values.length - 1, 1);
      this.paths[k].setAttribute("d", values.map((value, i) => `${i ? "L" : "M"}${(i * step).toFixed(1)} ${up(value)}`).join(""));
    });
    if (level) {
      this.line.setAttribute("d", `M0 ${up(level.value)}H300`);
      this.told.style.top = `${(Number(up(level.value)) / 56) * 100}%`;
    }
    this.top.textContent = all.length ? signed(high, 1) : "";
    this.bottom.textContent = all.length ? signed(low, 1) : "";
  }
}
