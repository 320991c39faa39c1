// A panel that follows the pad: the KL of its approximate posterior, taken apart and estimated by sampling.

import { sum } from "../engine/arrays.js";
import { normals, seeded } from "../engine/gaussian.js";
import { element } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { signed } from "../engine/view.js";
import { brief } from "./bars.js";
import { klEstimates, klParts } from "./estimate.js";
import { now, panel } from "./now.js";

const COUNTS = [10, 100, 1000, 10000];
const ERRORS = 2; // standard errors that a bar reaches
const WRITTEN = 4; // up to so many dimensions have their numbers below them
const ENDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const HALF = 2.5; // rem: from the chart's middle to where its longest bar ends

class Divergence {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".divergence");
    this.find = (selector) => this.root.querySelector(selector);
    this.seed = 1;
    this.marks = COUNTS.map((n) => {
      const [bar, point, told] = ["bar", "point", "told"].map((className) => element("div", { className }));
      return { n, bar, point, told, column: element("div", { className: "estimate" }, bar, point, told) };
    });
    this.find(".estimates").replaceChildren(...this.marks.map(({ column }) => column));
    this.find(".again").onclick = () => { this.seed++; this.sample(); this.show(this.shown, true); };
    this.root.divergence = this; // for tests and the browser console
    this.unfollow = now.follow((shown, rested) => this.show(shown, rested));
  }

  build(shown) {
    const { header } = shown;
    this.payload = shown.payload;
    this.root.hidden = false;
    this.drawn = new Picture(this.find(".drawn"), header.image);
    this.dimensions = header.prior_dimension;
    this.columns = Array.from({ length: this.dimensions }, (_, index) => {
      const [mean, variance] = ["mean", "variance"].map((className) => element("i", { className }));
      const number = element("span", { textContent: String(index + 1) });
      return { mean, variance, number, column: element("div", {}, element("div", { className: "stack" }, mean, variance), number) };
    });
    this.find(".dimensions").replaceChildren(...this.columns.map(({ column }) => column));
    this.sample();
  }

  sample() {
    this.noise = normals(this.dimensions * COUNTS.at(-1), seeded(this.seed));
    this.find(".seed").textContent = `seed ${this.seed}; each n holds the samples of those before it`;
  }

  show(shown, rested) {
    this.shown = shown;
    if (shown.payload !== this.payload) this.build(shown);
    const { passage: p } = shown;
    this.drawn.show(p.pixels);
    this.parts = klParts(p.mean, p.logVar);
    this.showParts(p);
    if (!rested) return;
    this.estimates = klEstimates(p.mean, p.logVar, this.noise, COUNTS);
    this.showEstimates(p.klSum);
    this.tell(shown);
  }

  showParts({ klSum }) {
    const { mean, variance } = this.parts;
    const [ofMean, ofVariance] = [sum(mean), sum(variance)];
    this.find(".total").textContent = `KL of this drawing: ${brief(klSum)} nats`;
    this.find(".mean-sum").textContent = brief(ofMean);
    this.find(".variance-sum").textContent = brief(ofVariance);
    this.find(".track .mean").style.width = `${(100 * ofMean) / (ofMean + ofVariance || 1)}%`;
    this.find(".track .variance").style.width = `${(100 * ofVariance) / (ofMean + ofVariance || 1)}%`;
    const most = mean.reduce((least, value, i) => Math.max(least, value + variance[i]), 0);
    const end = ENDS.find((one) => one >= most) ?? most;
    this.find(".end").textContent = String(end);
    this.columns.forEach(({ mean: lower, variance: upper, number }, i) => {
      lower.style.height = `${(100 * mean[i]) / end}%`;
      upper.style.height = `${(100 * variance[i]) / end}%`;
      if (this.dimensions <= WRITTEN) number.textContent = `${i + 1}: ${brief(mean[i])} + ${brief(variance[i])}`;
    });
  }

  showEstimates(closed) {
    const reach = Math.max(...this.estimates.map(({ value, error }) => Math.abs(value - closed) + ERRORS * error), 1e-9);
    const middle = getComputedStyle(this.find(".closed")).top;
    this.find(".closed span").textContent = `closed form ${brief(closed)}`;
    this.marks.forEach(({ n, bar, point, told }, i) => {
      const { value, error } = this.estimates[i];
      const place = (one) => `calc(${middle} - ${(HALF * (one - closed)) / reach}rem)`;
      bar.style.top = place(value + ERRORS * error);
      bar.style.height = `${(2 * HALF * ERRORS * error) / reach}rem`;
      point.style.top = place(value);
      told.replaceChildren(element("b", { textContent: `n = ${n.toLocaleString("en")}` }), element("br"), `${brief(value)} ± ${brief(ERRORS * error)}`);
    });
  }

  // For those who do not see it.
  tell({ inWords, passage: { klSum } }) {
    const { mean, variance } = this.parts;
    this.find(".drawn").setAttribute("aria-label", `x: ${inWords}`);
    const each = Array.from(mean, (value, i) => `dimension ${i + 1}: ${brief(value)} + ${brief(variance[i])}`).join(", ");
    this.find(".dimensions").setAttribute("aria-label", `KL by dimension in nats, mean part + variance part. ${each}`);
    const estimates = this.estimates.map(({ n, value, error }) => `${n.toLocaleString("en")} samples: ${brief(value)} ± ${brief(ERRORS * error)}`);
    this.find(".chart").setAttribute("aria-label", `Closed form ${signed(klSum, 3)} nats. ${estimates.join("; ")}`);
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { mean, variance } = this.parts;
    return { mean: Array.from(mean), variance: Array.from(variance), estimates: this.estimates, seed: this.seed };
  }

  end() {
    this.unfollow();
    this.root.remove();
  }
}

export default panel(Divergence);
