// Variational inference on the toy: q = N(mu, sigma^2) goes downhill on -ELBO, one step after the other. The whole way
// is computed at once whenever something is moved; playing only walks along it.

import { logNormal } from "../engine/gaussian.js";
import { pageLink, unlike } from "../engine/link.js";
import { still, takePointer } from "../engine/page.js";
import { signed } from "../engine/view.js";
import { Chart, ceiling, sampledCurve } from "./chart.js";
import { Knob, nats, storyOf } from "./controls.js";

const STEPS_PER_SECOND = 24;
const STILL_LEAP = 5; // steps at once, where motion is unwelcome
const STILL_MS = 500;
const LONGEST_FRAME = 100; // ms: a page that was hidden goes on where it was
const ARRIVED = 1e-3; // nats: an ELBO this near to its last value has converged
const MOST_SHOWN = 8; // nats below log p(x): what is further down is cut off
const Q_RANGE = [-4, 4];

export class DescentPart {
  find;
  story;
  header;
  steps;
  start;
  spread;
  version;

  constructor(root, header) {
    Object.assign(this, { root, header, story: storyOf(header), find: (selector) => root.querySelector(selector) });
    Object.assign(this, { step: 0, position: 0, version: 0, ...header.descent });
    const draw = () => this.draw();
    this.densities = new Chart(this.find(".densities"), {
      names: ["z", "density"], layers: ["posterior-area", "prior", "start", "posterior", "q-area", "q"], redraw: draw,
    });
    this.bounds = new Chart(this.find(".bounds"), {
      names: ["step", "nats"], layers: ["gap", "coming", "elbo", "evidence", "missing", "here"], redraw: draw,
    });
    this.build();
    this.follow = () => { this.compute(); this.draw(); };
    this.story.listeners.add(this.follow);
    this.follow();
    pageLink.join(this);
  }

  linked() {
    const { descent } = this.header;
    const moved = ["start", "spread", "rate"].map((name) => [name, unlike(this[name], descent[name])]);
    return { ...Object.fromEntries(moved), step: unlike(this.step, 0) };
  }

  usual() {
    const { start, spread, rate } = this.header.descent;
    return { start, spread, rate, step: 0 };
  }

  restore({ step = this.step, ...places }) {
    Object.assign(this, places);
    for (const [name, value] of Object.entries(places)) this.knobs[name].set(value);
    this.compute();
    this.go(step);
  }

  build() {
    const { header } = this;
    this.controls = this.story.controls("descent", header);
    const restart = (changes) => { Object.assign(this, changes); this.pause(); this.compute(); this.go(0); };
    this.knobs = {
      start: new Knob({ label: "start of μ", low: header.means[0], high: header.means[1], step: 0.1, moved: (start) => restart({ start }) }),
      spread: new Knob({ label: "start of σ", values: header.deviations, moved: (spread) => restart({ spread }) }),
      rate: new Knob({
        label: "learning rate", values: header.rates, text: (value) => signed(value, 3),
        moved: (rate) => { this.rate = rate; this.compute(); this.draw(); pageLink.changed(); },
      }),
      step: new Knob({ label: "step", low: 0, high: this.steps, step: 1, text: (value) => String(value), moved: (step) => { this.pause(); this.go(step); } }),
    };
    for (const [name, knob] of Object.entries(this.knobs)) knob.set(this[name]);
    this.find(".controls").append(...this.controls.boxes, ...["start", "spread", "rate"].map((name) => this.knobs[name].box));
    this.find(".steps").append(this.knobs.step.box);
    this.find(".play").onclick = () => (this.playing ? this.pause(true) : this.play());
    this.find(".step").onclick = () => { this.pause(); this.go(this.step + 1, true); };
    this.find(".reset").onclick = () => { this.pause(); this.go(0, true); };
    this.dragStart(restart);
  }

  // q can be taken to another start on the chart itself; let go, and it descends from there.
  dragStart(restart) {
    const { svg } = this.densities;
    const [low, high] = this.header.means;
    const take = (event) => {
      const start = Math.min(Math.max(Math.round(10 * this.densities.under(event)) / 10, low), high);
      this.knobs.start.set(start);
      restart({ start });
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      takePointer(svg, event);
      this.held = true;
      take(event);
    });
    svg.addEventListener("pointermove", (event) => { if (this.held) take(event); });
    svg.addEventListener("pointerup", () => {
      if (this.held && !still()) this.play();
      this.held = false;
    });
    svg.addEventListener("pointercancel", () => { this.held = false; });
  }

  compute() {
    this.controls.show();
    this.toy = this.story.toy(this.header.rules);
    this.exact = this.toy.exact();
    this.way = this.toy.descend(this.start, this.spread, this.rate, this.steps);
    this.find(".outcome").textContent = this.outcome();
  }

  // Where the descent leads, in a sentence.
  outcome() {
    const { steps, way, toy, exact } = this;
    const last = way[steps];
    const step = way.findIndex(({ elbo }) => Math.abs(elbo - last.elbo) < ARRIVED);
    const settled = way[steps - 1].elbo > last.elbo - ARRIVED / steps;
    const gap = toy.klToPosterior(exact.logEvidence, last.mean, last.logSigma);
    const share = toy.shareOfMode(last.mean);
    const beyond = share < 1 && settled
      ? ` The mode at q holds ${Math.round(100 * share)}% of the posterior: −log ${share.toFixed(2)} = ${(-Math.log(share)).toFixed(2)} of the gap.` : "";
    return `${settled ? `Converged in ${step} steps` : `Still moving after ${steps} steps`}: μ = ${signed(last.mean)}, `
      + `σ = ${signed(Math.exp(last.logSigma))}, gap ${signed(gap)} nats.${beyond}`;
  }

  // ---- walking --------------------------------------------------------------------------------------------------------

  go(step, say = false) {
    this.step = Math.min(Math.max(Math.round(step), 0), this.steps);
    this.position = this.step;
    this.knobs.step.set(this.step);
    this.draw();
    pageLink.changed();
    if (say || this.step === this.steps) this.say();
  }

  play() {
    if (this.step === this.steps) this.go(0);
    this.setPlaying(true);
    const version = ++this.version;
    let last = null;
    let waited = 0;
    const frame = (now) => {
      if (version !== this.version) return;
      const passed = last === null ? 0 : Math.min(now - last, LONGEST_FRAME);
      last = now;
      if (still()) {
        waited += passed;
        if (waited >= STILL_MS) { this.position += STILL_LEAP; waited = 0; }
      } else this.position += (passed * STEPS_PER_SECOND) / 1000;
      const { position } = this;
      if (Math.floor(position) !== this.step) this.go(Math.floor(position));
      this.position = Math.min(position, this.steps); // go() has put it on the step
      if (this.step >= this.steps) { this.pause(); return; }
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  pause(say = false) {
    this.version++;
    this.setPlaying(false);
    if (say) this.say();
  }

  setPlaying(playing) {
    this.playing = playing;
    const button = this.find(".play");
    button.setAttribute("aria-pressed", String(playing));
    button.textContent = playing ? "Pause" : "Play";
  }

  // ---- showing --------------------------------------------------------------------------------------------------------

  // The three numbers of the identity, each from its own computation.
  numbers() {
    const { mean, logSigma, elbo, expected, klToPrior } = this.way[this.step];
    const kl = this.toy.klToPosterior(this.exact.logEvidence, mean, logSigma);
    return { logEvidence: this.exact.logEvidence, elbo, kl, mean, sigma: Math.exp(logSigma), expected, klToPrior };
  }

  draw() {
    if (!this.way || !this.densities?.plot || !this.bounds?.plot) return;
    const { densities, exact } = this;
    const here = this.numbers();
    const posterior = sampledCurve(exact.density, Q_RANGE);
    const q = sampledCurve((z) => Math.exp(logNormal(z, here.mean, here.sigma)), Q_RANGE);
    densities.span(Q_RANGE, [0, ceiling(1.25 * Math.max(...posterior.map(([, y]) => y)))]);
    densities.set("posterior-area", densities.filled(posterior, 0));
    densities.set("posterior", densities.line(posterior));
    densities.set("prior", densities.line(sampledCurve((z) => Math.exp(logNormal(z, 0, 1)), Q_RANGE)));
    densities.set("start", densities.line(sampledCurve((z) => Math.exp(logNormal(z, this.start, this.spread)), Q_RANGE)));
    densities.set("q", densities.line(q));
    densities.set("q-area", densities.filled(q, 0));
    this.drawBounds(here);
    this.showNumbers(here);
  }

  drawBounds({ logEvidence, elbo }) {
    const { bounds, way, step } = this;
    const below = Math.min(Math.max(1.1 * (logEvidence - way[0].elbo), 1), MOST_SHOWN);
    bounds.span([0, this.steps], [Math.floor(4 * (logEvidence - below)) / 4, Math.ceil(4 * (logEvidence + 0.12 * below)) / 4]);
    const points = way.map((place, k) => [k, place.elbo]);
    const done = points.slice(0, step + 1);
    bounds.set("gap", bounds.between(done.map(([k]) => [k, logEvidence]), done));
    bounds.set("coming", bounds.line(points.slice(step)));
    bounds.set("elbo", bounds.line(done));
    bounds.set("evidence", bounds.level(logEvidence));
    bounds.set("missing", bounds.line([[step, logEvidence], [step, elbo]]));
    bounds.set("here", bounds.dots([[step, elbo]]));
  }

  showNumbers({ logEvidence, elbo, kl, mean, sigma, expected, klToPrior }) {
    const show = (name, text) => { this.find(`.${name}`).textContent = text; };
    show("log-evidence", nats(logEvidence));
    show("elbo-value", nats(elbo));
    show("kl-value", nats(kl));
    show("mean", signed(mean, 3));
    show("sigma", signed(sigma, 3));
    show("expected", nats(expected));
    show("to-prior", nats(klToPrior));
    const missed = Math.abs(elbo + kl - logEvidence);
    show("missed", missed < 1e-12 ? "less than 1e−12 nats" : `${missed.toExponential(0).replace("-", "−")} nats`);
    this.densities.say(`Step ${this.step}: q has mean ${signed(mean)} and standard deviation ${signed(sigma)}; the posterior `
      + `has mean ${signed(this.exact.mean)} and standard deviation ${signed(this.exact.deviation)}`);
    this.bounds.say(`ELBO by step, now ${nats(elbo)}, under log p(x) = ${nats(logEvidence)} nats`);
  }

  say() {
    const { elbo, kl } = this.numbers();
    this.find(".live").textContent = `Step ${this.step}: ELBO ${nats(elbo)} nats, KL to the posterior ${nats(kl)} nats.`;
  }

  state() {
    const { decoder, x, c } = this.story;
    const { step, playing, start, spread, rate, steps } = this;
    return { decoder, x, c, step, playing: Boolean(playing), start, spread, rate, steps, ...this.numbers(), elbos: this.way.map(({ elbo }) => elbo) };
  }

  remove() {
    pageLink.leave(this);
    this.version++;
    this.story.listeners.delete(this.follow);
    this.densities.remove();
    this.bounds.remove();
  }
}
