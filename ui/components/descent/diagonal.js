// A posterior with two dependent dimensions, and a Gaussian q whose dimensions are independent and equally wide. Left,
// both to one scale; right, KL(q || p) for every width of q.

import { Chart, sampledCurve } from "./chart.js";
import { Knob, nats } from "./controls.js";
import { bestWidth, klOfWidth, leastKl } from "./toy.js";
import { pageLink, unlike } from "../engine/link.js";
import { signed } from "../engine/view.js";

const PLANE_RANGE = [-3, 3];
const MOST_KL = 3; // nats
const START_WIDTH = 1;

export class DiagonalPart {
  find;
  best;
  rho;
  header;

  constructor(root, header) {
    Object.assign(this, { root, header, find: (selector) => root.querySelector(selector), rho: header.start, sigma: START_WIDTH, best: false });
    const draw = () => this.draw();
    this.plane = new Chart(this.find(".ellipses"), {
      names: ["z₁", "z₂"], layers: ["posterior-area", "posterior", "q"], square: true, redraw: draw,
    });
    this.widths = new Chart(this.find(".widths"), {
      names: ["σ of q", "nats"], layers: ["coming", "missing", "least", "here"], redraw: draw,
    });
    const { low, high, widths } = header;
    this.correlation = new Knob({ label: "correlation ρ of p", low, high, step: 0.01, moved: (rho) => this.move({ rho }) });
    this.width = new Knob({ label: "σ of q, both dimensions", low: widths[0], high: widths[1], step: 0.01, moved: (sigma) => this.move({ sigma, best: false }) });
    this.find(".controls").append(this.correlation.box, this.width.box);
    this.find(".best").onclick = () => { this.move({ best: !this.best }); this.say(); };
    this.correlation.set(this.rho);
    this.move({});
    pageLink.join(this);
  }

  linked() {
    const { rho, sigma, best, header } = this;
    return { rho: unlike(rho, header.start), width: best ? "" : unlike(sigma, START_WIDTH), best: best ? "1" : "" };
  }

  usual() { return { rho: this.header.start, width: START_WIDTH, best: false }; }

  restore({ rho = this.rho, width = this.sigma, best = false }) {
    this.correlation.set(rho);
    this.move({ rho, sigma: width, best });
  }

  // q that was put at its best stays there while the correlation moves.
  move(changes) {
    Object.assign(this, changes);
    if (this.best) this.sigma = bestWidth(this.rho);
    this.width.set(this.sigma);
    this.find(".best").setAttribute("aria-pressed", String(this.best));
    this.draw();
    pageLink.changed();
  }

  ellipse(across, along, turned) {
    const points = Array.from({ length: 97 }, (_, k) => {
      const angle = (2 * Math.PI * k) / 96;
      const [u, v] = [across * Math.cos(angle), along * Math.sin(angle)];
      return turned ? [(u - v) / Math.SQRT2, (u + v) / Math.SQRT2] : [u, v];
    });
    return `${this.plane.line(points)}Z`;
  }

  draw() {
    if (!this.plane?.plot || !this.widths?.plot || !this.correlation) return;
    const { plane, widths, rho, sigma } = this;
    const seen = this.header.widths;
    plane.span(PLANE_RANGE, PLANE_RANGE);
    // The principal axes lie on the diagonals, with variances 1 + rho and 1 - rho.
    const target = [1, 2].map((r) => this.ellipse(r * Math.sqrt(1 + rho), r * Math.sqrt(1 - rho), true)).join("");
    plane.set("posterior-area", target);
    plane.set("posterior", target);
    plane.set("q", [1, 2].map((r) => this.ellipse(r * sigma, r * sigma, false)).join(""));
    widths.span([0, seen[1]], [0, MOST_KL]);
    const [kl, least, best] = [klOfWidth(sigma, rho), leastKl(rho), bestWidth(rho)];
    widths.set("coming", widths.line(sampledCurve((s) => klOfWidth(s, rho), seen)));
    widths.set("missing", widths.line([[best, 0], [best, least]]));
    widths.set("least", widths.level(least));
    widths.set("here", widths.dots([[sigma, kl]]));
    const show = (name, text) => { this.find(`.${name}`).textContent = text; };
    show("kl-value", nats(kl));
    show("least-value", nats(least));
    show("best-sigma", signed(best, 3));
    plane.say(`Ellipses of one and two standard deviations: p with correlation ${signed(rho)}, q with standard deviation ${signed(sigma)}`);
    widths.say(`KL from q to p by the width of q: now ${nats(kl)} nats, at least ${nats(least)} nats`);
  }

  say() {
    this.find(".live").textContent = `q has a standard deviation of ${signed(this.sigma)}: KL ${nats(klOfWidth(this.sigma, this.rho))} nats.`;
  }

  state() {
    const { rho, sigma, best } = this;
    return { rho, sigma, best, kl: klOfWidth(sigma, rho), least: leastKl(rho), bestSigma: bestWidth(rho) };
  }

  remove() {
    pageLink.leave(this);
    this.plane.remove();
    this.widths.remove();
  }
}
