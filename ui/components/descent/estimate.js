// The KL term of the loss, in closed form and by sampling: twenty estimates with their 95% intervals, sampled anew at will.

import { klToStandardNormal, logNormal, normals, seeded } from "../engine/gaussian.js";
import { pageLink, unlike } from "../engine/link.js";
import { signed } from "../engine/view.js";
import { Chart, ceiling, sampledCurve } from "./chart.js";
import { Knob, nats } from "./controls.js";
import { sampledKl } from "./toy.js";

const ESTIMATES = 20;

export class EstimatePart {
  find;
  seed;
  header;
  mean;
  sigma;
  count;

  constructor(root, header) {
    Object.assign(this, { root, header, find: (selector) => root.querySelector(selector), seed: 1, ...header.start });
    const draw = () => this.draw();
    this.densities = new Chart(this.find(".densities"), { names: ["z", "density"], layers: ["prior", "q-area", "q"], redraw: draw });
    this.bars = new Chart(this.find(".bars"), {
      names: ["KL, nats", ""], layers: ["bars-hit", "bars-missed", "means-hit", "means-missed", "evidence"], rows: true, redraw: draw,
    });
    const moved = (name) => (value) => { this[name] = value; this.compute(); this.draw(); pageLink.changed(); };
    this.knobs = {
      mean: new Knob({ label: "μ", low: header.means[0], high: header.means[1], step: 0.1, moved: moved("mean") }),
      sigma: new Knob({ label: "σ", values: header.deviations, moved: moved("sigma") }),
      count: new Knob({ label: "samples n", values: header.counts, text: (value) => value.toLocaleString("en"), moved: moved("count") }),
    };
    for (const [name, knob] of Object.entries(this.knobs)) knob.set(this[name]);
    this.find(".controls").append(...Object.values(this.knobs).map(({ box }) => box));
    this.find(".again").onclick = () => { this.seed++; this.compute(); this.draw(); this.say(); pageLink.changed(); };
    this.compute();
    this.draw();
    pageLink.join(this);
  }

  linked() {
    const { start } = this.header;
    const { mean, sigma, count, seed } = this;
    return { mu: unlike(mean, start.mean), sigma: unlike(sigma, start.sigma), samples: unlike(count, start.count), draw: unlike(seed, 1) };
  }

  usual() {
    const { mean: mu, sigma, count: samples } = this.header.start;
    return { mu, sigma, samples, draw: 1 };
  }

  restore({ mu = this.mean, sigma = this.sigma, samples = this.count, draw = this.seed }) {
    Object.assign(this, { mean: mu, sigma, count: samples, seed: draw });
    for (const [name, knob] of Object.entries(this.knobs)) knob.set(this[name]);
    this.compute();
    this.draw();
  }

  // The noise stays the same while mu and sigma move: what moves is theirs.
  noise() {
    const name = `${this.seed} ${this.count}`;
    if (this.noiseName !== name) {
      this.eps = normals(ESTIMATES * this.count, seeded(this.seed));
      this.noiseName = name;
    }
    return this.eps;
  }

  compute() {
    const { mean, sigma, count } = this;
    this.closed = klToStandardNormal(mean, sigma * sigma);
    const eps = this.noise();
    const quantile = this.header.quantiles[this.header.counts.indexOf(count)]; // Student's t: the error is estimated too
    this.estimates = Array.from({ length: ESTIMATES }, (_, k) => {
      const { estimate, error } = sampledKl(mean, sigma, eps, k * count, (k + 1) * count);
      const half = quantile * error;
      return { estimate, half, hit: Math.abs(estimate - this.closed) <= half + 1e-12 };
    });
    this.hits = this.estimates.filter(({ hit }) => hit).length;
  }

  draw() {
    if (!this.estimates || !this.densities?.plot || !this.bars?.plot) return;
    const { densities, bars, estimates, closed, mean, sigma } = this;
    const q = sampledCurve((z) => Math.exp(logNormal(z, mean, sigma)), [-6, 6]);
    densities.span([-6, 6], [0, ceiling(1.05 * Math.max(0.4, 0.4 / sigma))]);
    densities.set("prior", densities.line(sampledCurve((z) => Math.exp(logNormal(z, 0, 1)), [-6, 6])));
    densities.set("q", densities.line(q));
    densities.set("q-area", densities.filled(q, 0));

    // An axis in steps of two: it stands still while the bars get shorter, until they would be too small to see.
    const reach = ceilingOf(Math.max(...estimates.map(({ estimate, half }) => Math.abs(estimate - closed) + half), 1e-3));
    bars.span([closed - reach, closed + reach], [0, ESTIMATES]);
    const rows = estimates.map((one, k) => ({ ...one, y: ESTIMATES - k - 0.5 }));
    for (const [name, wanted] of [["hit", true], ["missed", false]]) {
      const shown = rows.filter(({ hit }) => hit === wanted);
      bars.set(`bars-${name}`, shown.map(({ estimate, half, y }) => bars.line([[estimate - half, y], [estimate + half, y]])).join(""));
      bars.set(`means-${name}`, bars.dots(shown.map(({ estimate, y }) => [estimate, y])));
    }
    bars.set("evidence", bars.upright(closed));
    this.showNumbers();
  }

  showNumbers() {
    const show = (name, text) => { this.find(`.${name}`).textContent = text; };
    const [first] = this.estimates;
    show("closed", `${nats(this.closed)} nats`);
    show("first", `${nats(first.estimate)} ± ${nats(first.half)} nats`);
    show("hits", `${this.hits} of ${ESTIMATES}`);
    this.densities.say(`Densities of q with mean ${signed(this.mean)} and standard deviation ${signed(this.sigma)}, and of the standard normal`);
    this.bars.say(`${ESTIMATES} estimates of the KL; the 95% intervals of ${this.hits} contain the exact value, ${nats(this.closed)} nats`);
  }

  say() { this.find(".live").textContent = `${this.hits} of ${ESTIMATES} intervals contain the exact value.`; }

  // For tests: the first estimate's noise goes with it.
  state() {
    const { mean, sigma, count, seed, closed, hits, estimates } = this;
    const firsts = estimates.map(({ estimate, half }) => [estimate, half]);
    return { mean, sigma, count, seed, closed, hits, estimates: firsts, eps: Array.from(this.noise().subarray(0, count)) };
  }

  remove() {
    pageLink.leave(this);
    this.densities.remove();
    this.bars.remove();
  }
}

// The least power of two that holds a value.
const ceilingOf = (value) => 2 ** Math.ceil(Math.log2(value));
