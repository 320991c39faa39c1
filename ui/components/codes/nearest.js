// A panel: how far the vector of the chosen cell is from every entry, and which is the nearest.

import { BarChart } from "./chart.js";
import { Panel, panel } from "./panels.js";

class Nearest extends Panel {
  constructor(parent) {
    super(parent, "nearest");
    this.sorted = true;
    this.over = -1;
    this.chart = new BarChart(this.find("canvas.bars"), (index) => this.point(index));
    this.find(".sort").onclick = () => this.setSorted(!this.sorted);
    this.setSorted(true);
    this.follow();
  }

  /** @override */
  build() { this.over = -1; }

  setSorted(sorted) {
    this.sorted = sorted;
    this.find(".sort").setAttribute("aria-pressed", String(sorted));
    if (this.shown) this.show(this.shown);
  }

  point(index) {
    if (index === this.over) return;
    this.over = index;
    if (this.shown) this.show(this.shown);
  }

  /** @override */
  show({ passage, model, cell, header }) {
    this.grid.show(passage.codes);
    const distances = Array.from(model.distances(model.vector(passage, cell)), Math.sqrt);
    const byDistance = distances.map((_, code) => code).sort((a, b) => distances[a] - distances[b] || a - b);
    const order = this.sorted ? byDistance : distances.map((_, code) => code);
    const most = Math.max(...distances);
    const [first, second] = byDistance;
    this.chart.show(order.map((code, place) => ({
      share: most ? distances[code] / most : 0, colour: header.colours[code], marked: code === first, lit: place === this.over,
    })));
    const told = (code) => `entry ${code} at ${distances[code].toFixed(3)}`;
    const next = second === undefined ? "" : `, the next is ${told(second)}`;
    const nearest = `The nearest is ${told(first)}${next}.`;
    this.find(".result").textContent = nearest;
    this.find(".over-bar").textContent = this.over < 0 ? "Point at a bar to read it." : `Under the pointer: ${told(order[this.over])}.`;
    this.find("canvas.bars").setAttribute("aria-label", `Distances of the vector of ${this.grid.place(cell)} to ${model.entries} entries. ${nearest} The farthest is ${told(byDistance.at(-1))}.`);
    this.distances = distances;
  }

  // For tests: what is on screen, in numbers.
  state() { return { distances: this.distances, cell: this.shown.cell, sorted: this.sorted }; }

  /** @override */
  end() {
    this.chart.end();
    super.end();
  }
}

export default panel(Nearest);
