// The generative story: sample z, then x around f(z); given x, which z made it? Above, pairs (z, x) sampled from the
// model; below, on the same axis of z, prior, joint density and exact posterior.

import { logNormal, normals, seeded } from "../engine/gaussian.js";
import { pageLink, unlike } from "../engine/link.js";
import { signed } from "../engine/view.js";
import { Chart, ceiling, sampledCurve } from "./chart.js";
import { nats, storyOf } from "./controls.js";

const PAIRS = 1500;
const NEAR = 0.1; // of x: pairs this near to the observation are shown as samples of the posterior
const SEEN_Z = [-4, 4];
const SEEN_X = [-3.2, 4.2];

export class PosteriorPart {
  find;
  story;
  header;

  constructor(root, header) {
    Object.assign(this, { root, header, story: storyOf(header), find: (selector) => root.querySelector(selector) });
    const draw = () => this.draw();
    this.pairs = new Chart(this.find(".pairs"), {
      names: ["z", "x"], layers: ["band", "others", "curve", "observed", "chosen"], redraw: draw,
    });
    this.densities = new Chart(this.find(".densities"), {
      names: ["z", "density"], layers: ["posterior-area", "prior", "joint-area", "joint", "posterior", "rug"], redraw: draw,
    });
    this.controls = this.story.controls("posterior", header);
    this.find(".controls").append(...this.controls.boxes);
    this.eps = normals(2 * PAIRS, seeded(7));
    this.follow = () => { this.compute(); this.draw(); };
    this.story.listeners.add(this.follow);
    this.follow();
    pageLink.join(this);
  }

  // The story's: the next part has what is its own.
  linked() {
    const { story, header: { start } } = this;
    return Object.fromEntries(["decoder", "x", "c"].map((name) => [name, unlike(story[name], start[name])]));
  }

  usual() {
    const { decoder, x, c } = this.header.start;
    return { decoder, x, c };
  }

  restore(values) { this.story.set(values); }

  compute() {
    this.controls.show();
    this.toy = this.story.toy(this.header.rules);
    this.exact = this.toy.exact();
    const deviation = Math.sqrt(this.story.c);
    this.drawn = Array.from({ length: PAIRS }, (_, k) => {
      const z = this.eps[2 * k];
      return [z, this.toy.f(z) + deviation * this.eps[2 * k + 1]];
    });
  }

  draw() {
    if (!this.exact || !this.pairs?.plot || !this.densities?.plot) return;
    const { pairs, densities, toy, exact, story } = this;
    pairs.span(SEEN_Z, SEEN_X);
    const f = sampledCurve((z) => toy.f(z), SEEN_Z, 160);
    const spread = 2 * Math.sqrt(story.c);
    const shifted = (by) => f.map(([z, x]) => [z, x + by]);
    const near = (pair) => Math.abs(pair[1] - story.x) < NEAR;
    const chosen = this.drawn.filter(near);
    pairs.set("band", pairs.between(shifted(spread), shifted(-spread)));
    pairs.set("curve", pairs.line(f));
    pairs.set("others", pairs.dots(this.drawn.filter((pair) => !near(pair))));
    pairs.set("chosen", pairs.dots(chosen));
    pairs.set("observed", pairs.level(story.x));

    const posterior = sampledCurve(exact.density, SEEN_Z);
    const joint = sampledCurve((z) => Math.exp(toy.logJoint(z)), SEEN_Z);
    densities.span(SEEN_Z, [0, ceiling(1.05 * Math.max(...posterior.map(([, y]) => y)))]);
    densities.set("posterior-area", densities.filled(posterior, 0));
    densities.set("posterior", densities.line(posterior));
    densities.set("joint-area", densities.filled(joint, 0));
    densities.set("joint", densities.line(joint));
    densities.set("prior", densities.line(sampledCurve((z) => Math.exp(logNormal(z, 0, 1)), SEEN_Z)));
    const top = 0.06 * densities.y[1];
    densities.set("rug", chosen.map(([z]) => densities.line([[z, 0], [z, top]])).join(""));
    this.showNumbers(chosen.length);
  }

  showNumbers(count) {
    const { exact, story } = this;
    const show = (name, text) => { this.find(`.${name}`).textContent = text; };
    show("formula", story.decoders[story.decoder].formula);
    show("evidence", Math.exp(exact.logEvidence).toPrecision(3));
    show("log-evidence", `${nats(exact.logEvidence)} nats`);
    show("mean", signed(exact.mean, 3));
    show("deviation", signed(exact.deviation, 3));
    show("count", `${count} of ${PAIRS.toLocaleString("en")} pairs are within ${NEAR} of x`);
    this.pairs.say(`${PAIRS} pairs of z and x sampled from the model, along the curve ${story.decoders[story.decoder].formula}`);
    this.densities.say(`Prior, joint density and exact posterior of z for x = ${signed(story.x)}: posterior mean `
      + `${signed(exact.mean)}, standard deviation ${signed(exact.deviation)}`);
  }

  state() {
    const { logEvidence, mean, deviation } = this.exact;
    return { decoder: this.story.decoder, x: this.story.x, c: this.story.c, logEvidence, mean, deviation };
  }

  remove() {
    pageLink.leave(this);
    this.story.listeners.delete(this.follow);
    this.pairs.remove();
    this.densities.remove();
  }
}
