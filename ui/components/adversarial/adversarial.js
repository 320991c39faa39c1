// A GAN and a VAE learn the same points of the plane, live. All of it happens here; Python hears nothing.

import { Data } from "./data.js";
import { Pace } from "./pace.js";
import { Panel } from "./panel.js";
import { COLOURS } from "./scene.js";
import { Drawing } from "./strokes.js";
import { Switches } from "./switches.js";
import { Training } from "./training.js";
import { Choice } from "../descent/controls.js";
import { arrowStep } from "../engine/keys.js";
import { pageLink } from "../engine/link.js";
import { element, still, takePointer, withPayload } from "../engine/page.js";
import { placeText, signed } from "../engine/view.js";

const mounted = new Map(); // mount point -> Toy
const SPEEDS = { slow: 6, steady: 60, fast: Infinity }; // steps a second
const FIELDS_MS = 70; // from field to field while it plays
const FIGURES_MS = 200; // from figures to figures while it plays
const SAYING_MS = 20_000; // from one announcement to the next while it plays
const ARROWS = 80; // samples with an arrow, points with their reconstruction
const SHOWN = 256; // samples on a plane
const DENSE = 256; // samples of which the density is made
const percent = (share) => `${Math.round(100 * share)}%`;

class Toy {
  root;
  header;

  constructor(parent, header, headerText) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    Object.assign(this, { parent, header, headerText, root: parent.querySelector(".adversarial") });
    this.root.hidden = false;
    this.find = (selector) => this.root.querySelector(selector);
    this.rules = header.rules;
    this.seed = header.seed;
    this.drawing = new Drawing(this.rules.half);
    this.switches = new Switches(header, this.find, (name) => this.moved(name));
    const redraw = () => this.draw(true);
    this.gan = new Panel(this.find(".of-gan"), {
      half: this.rules.half, redraw, level: { value: Math.log(4), text: "ln 4" },
      layers: { field: "D(x)", data: "data", grid: "grid of z", samples: "samples", arrows: "gradients" },
      losses: { discriminator: "D's loss", generator: "G's loss" },
    });
    this.vae = new Panel(this.find(".of-vae"), {
      half: this.rules.half, redraw,
      layers: { density: "p(x)", data: "data", grid: "grid of z", samples: "samples", ties: "rebuilt" },
      losses: { reconstruction: "reconstruction", kl: "KL" },
    });
    this.panels = [this.gan, this.vae];
    this.found = null; // until both models were measured
    this.saidAt = performance.now();
    this.chores = [
      { every: FIELDS_MS, act: () => this.fields(this.switches.now) },
      { every: FIGURES_MS, act: () => this.figures(this.gan, "gan", "GAN") },
      { every: FIGURES_MS, act: () => this.figures(this.vae, "vae", "VAE") },
      { every: FIGURES_MS, act: () => { for (const { curves } of this.panels) curves.draw(); } },
    ].map((chore) => ({ ...chore, done: -Infinity }));
    this.latents();
    this.pace = new Pace(this.find(".pair"), { step: () => this.step(), draw: () => this.draw(), told: () => this.showPlaying() });
    this.build();
    this.resizes = new ResizeObserver(() => this.draw(true));
    for (const { plane } of this.panels) this.resizes.observe(plane);
    this.begin();
    this.root.adversarial = this; // for tests and the browser console
    pageLink.join(this);
    if (header.plays && !still()) this.pace.play();
  }

  // ---- what stands on the page ------------------------------------------------------------------------------------

  build() {
    const { find } = this;
    find(".play").onclick = () => this.toggle();
    find(".step").onclick = () => { this.pace.pause(); this.step(); this.draw(true); this.say(); };
    find(".restart").onclick = () => { this.begin(); this.say(); };
    this.speed = new Choice({
      label: "speed", name: "toy-speed", options: Object.keys(SPEEDS).map((value) => ({ value, title: value })),
      moved: (value) => this.setSpeed(value),
    });
    find(".speed").append(this.speed.box);
    this.setSpeed("fast");
    const seed = find(".seed input");
    seed.value = String(this.seed);
    seed.addEventListener("change", () => {
      this.seed = Math.min(Math.max(Math.round(seed.valueAsNumber) || this.header.seed, Number(seed.min)), Number(seed.max));
      seed.value = String(this.seed);
      this.begin();
      pageLink.changed();
    });
    this.buildPresets();
    find(".undo").onclick = () => { this.drawing.undo(); this.full = false; this.redrawn(); };
    find(".clear").onclick = () => { this.drawing.clear(); this.full = false; this.redrawn(); };
    this.root.addEventListener("keydown", (event) => this.key(event));
    for (const panel of this.panels) this.takeStrokes(panel);
  }

  buildPresets() {
    const menu = this.find(".preset select");
    const { presets } = this.header;
    menu.replaceChildren(...presets.map(({ title }, k) => element("option", { value: String(k), textContent: title })));
    menu.addEventListener("change", () => {
      this.switches.set({ ...this.header.settings, ...presets[menu.selectedIndex].settings });
      this.begin();
      pageLink.changed();
      if (!still()) this.pace.play();
    });
    this.showPreset();
  }

  // The menu says which of the settings to try these are; none of them where a switch was moved.
  showPreset() {
    const { now, usual } = this.switches;
    const same = ({ settings }) => Object.entries({ ...usual, ...settings }).every(([name, value]) => now[name] === value);
    this.find(".preset select").selectedIndex = this.header.presets.findIndex(same);
  }

  setSpeed(speed) {
    this.speed.set(speed);
    this.pace.rate = SPEEDS[speed];
  }

  // A switch was moved: other data or another size of z begin anew, all else goes on.
  moved(name) {
    if (name === "data" || name === "latent") this.begin();
    else this.draw(true);
    this.showPreset();
    pageLink.changed();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [target] = event.composedPath();
    if (event.key === " " && !target.matches("button, input, select")) {
      event.preventDefault();
      this.toggle();
    }
  }

  toggle() {
    if (this.broke) return; // there is nothing to go on with: the note says so
    if (this.pace.wanted) this.pace.pause();
    else this.pace.play();
    this.draw(true); // the figures of this very step
    this.say();
  }

  showPlaying() {
    this.find(".play").textContent = this.pace.wanted ? "Pause" : "Play";
  }

  // ---- data -------------------------------------------------------------------------------------------------------

  get byHand() { return this.switches.now.data === this.header.drawn; }

  data() {
    const shape = this.header.shapes[this.switches.now.data];
    return shape ? new Data(shape.strokes, shape.spread) : new Data(this.drawing.places(), this.rules.drawn_spread);
  }

  // Strokes by hand have changed: the models go on with them.
  redrawn() {
    this.training.setData(this.data());
    this.tellData();
    this.draw(true);
    pageLink.changed();
  }

  takeStrokes({ plane, scene }) {
    let places = null;
    let pointer = null; // the finger that draws: another one is not listened to
    const end = (event, keep) => {
      if (event.pointerId !== pointer) return;
      if (places && keep) this.addStroke(places);
      places = this.stroke = pointer = null;
      this.draw(true);
    };
    plane.addEventListener("pointerdown", (event) => {
      if (event.button || !event.isPrimary || !this.byHand) return;
      takePointer(plane, event);
      pointer = event.pointerId;
      places = [scene.place(event)];
      this.stroke = places;
      this.draw(true);
    });
    plane.addEventListener("pointermove", (event) => {
      if (!places || event.pointerId !== pointer) return;
      places.push(scene.place(event));
      if (!this.pace.running) this.draw(true);
    });
    plane.addEventListener("pointerup", (event) => end(event, true));
    plane.addEventListener("pointercancel", (event) => end(event, false));
    // By keyboard: arrows move a cross, Enter puts a dot.
    plane.addEventListener("keydown", (event) => {
      if (!this.byHand) return;
      const way = arrowStep(event);
      if (way) {
        const reach = this.rules.half;
        this.cross = (this.cross ?? [0, 0]).map((value, axis) =>
          Math.min(Math.max(value + (axis ? -1 : 1) * way[axis] * 2 * reach, -reach), reach));
        this.find(".live").textContent = `The cross is at ${placeText(this.cross[0], this.cross[1], 2)}. Enter puts a dot.`;
      } else if (event.key === "Enter") {
        this.cross ??= [0, 0];
        this.addStroke([this.cross]);
        this.find(".live").textContent = `A dot at ${placeText(this.cross[0], this.cross[1], 2)}: ${this.drawing.strokes.length} in all.`;
      } else return;
      event.preventDefault();
      this.draw(true);
    });
    plane.addEventListener("blur", () => { this.cross = null; this.draw(true); });
  }

  // A tap that trembles is a dot: a line is longer than the points around it are spread.
  addStroke(places) {
    const [[x0, y0]] = places;
    const dot = places.every(([x, y]) => Math.hypot(x - x0, y - y0) < this.rules.drawn_spread);
    this.full = !this.drawing.add(dot ? [[x0, y0]] : places);
    this.redrawn();
  }

  tellData() {
    const { byHand, training: { data } } = this;
    this.find(".by-hand").hidden = !byHand;
    for (const panel of this.panels) panel.setDrawable(byHand);
    this.note(byHand && data.empty ? "Nothing is drawn yet. Draw on one of the planes: lines, or single dots as modes." :
      byHand && this.full ? "There is no room for more strokes. Undo some, or clear." : "");
  }

  note(text) {
    const note = this.find(".note");
    note.hidden = !text;
    if (note.textContent !== text) note.textContent = text;
  }

  // ---- training ---------------------------------------------------------------------------------------------------

  // From untrained networks, with the seed.
  begin() {
    const { latent } = this.switches.now;
    this.training = new Training(this.rules, this.data(), { latent, seed: this.seed });
    this.broke = false;
    for (const panel of this.panels) panel.history.clear();
    this.latents();
    this.tellData();
    this.showPreset();
    this.draw(true);
  }

  // A grid of z whose cells hold equal shares of the prior.
  latents() {
    const { quantiles } = this.rules;
    const rows = this.switches.now.latent === 2 ? quantiles.length : 1;
    const z = rows > 1 ? quantiles.flatMap((v) => quantiles.flatMap((u) => [u, v])) : this.rules.line;
    this.grid = { z: Float64Array.from(z), columns: rows > 1 ? quantiles.length : z.length, rows };
  }

  // One step, unless there is nothing to learn or nothing to go on with. Gives whether to go on.
  step() {
    const { training } = this;
    if (training.data.empty || this.broke) return false;
    const losses = training.step(this.switches.now);
    if (!training.finite) {
      this.broke = true;
      this.pace.pause();
      this.note(`Training broke down at step ${training.steps.toLocaleString("en")}: a number became infinite. Press Restart, with a slower D or a larger c.`);
      return false;
    }
    for (const panel of this.panels) panel.history.add(losses);
    if (training.steps % this.rules.rest === 0 && this.pace.wanted) { this.toggle(); return false; }
    return true;
  }

  // ---- on screen --------------------------------------------------------------------------------------------------

  // While it plays, planes and all else take turns, so that no frame has to do both. now: all of it.
  draw(now = false) {
    const { training } = this;
    if (!training || this.broke) return;
    for (const { scene } of this.panels) scene.fit();
    if (!this.gan.scene.ratio) return; // not laid out yet
    const all = now || !this.found;
    this.turn = !this.turn;
    if (all) for (const chore of this.chores) this.does(chore);
    else if (this.turn) this.nextChore();
    if (all || !this.turn) this.drawPlanes();
  }

  // The one chore that has waited longest beyond its time: fields, figures and curves in one frame would take too long.
  nextChore() {
    const time = performance.now();
    const due = this.chores.filter(({ done, every }) => time - done >= every);
    due.sort((a, b) => (time - b.done) / b.every - (time - a.done) / a.every);
    if (due.length) this.does(due[0]);
    if (time - this.saidAt > SAYING_MS) this.say();
  }

  does(chore) {
    chore.done = performance.now();
    chore.act();
  }

  drawPlanes() {
    const { training, switches: { now: chosen } } = this;
    this.drawGan(training.drawn("gan", chosen, SHOWN), chosen);
    this.drawVae(training.drawn("vae", chosen, SHOWN));
    for (const { scene } of this.panels) {
      if (this.stroke) scene.stroke(this.stroke);
      if (this.cross) scene.cross(this.cross);
    }
  }

  fields({ c }) {
    const { gan, vae, training } = this;
    if (gan.shown.has("field")) gan.scene.judged((points) => training.gan.judge(points));
    if (vae.shown.has("density")) vae.scene.dense(training.vae.samples(training.z.subarray(0, DENSE * training.latent)), Math.sqrt(c));
  }

  drawGan(samples, { loss, average }) {
    const { gan: { scene, shown }, training, grid } = this;
    scene.begin();
    if (shown.has("field")) scene.background();
    if (shown.has("data")) scene.data(training.points);
    if (shown.has("grid")) scene.warped(training.gan.samples(grid.z, average), grid.columns, grid.rows);
    if (shown.has("samples")) scene.dots(samples, 1.9, COLOURS.sample, 0.9);
    if (shown.has("arrows")) {
      const some = samples.slice(0, 2 * ARROWS);
      scene.arrows(some, training.gan.pulls(some, loss));
    }
    if (training.data.modes) scene.modes(training.data.modes, this.found.gan.found, 3 * training.data.spread);
  }

  drawVae(samples) {
    const { vae: { scene, shown }, training, grid } = this;
    scene.begin();
    if (shown.has("density")) scene.background();
    if (shown.has("data")) scene.data(training.points);
    if (shown.has("grid")) scene.warped(training.vae.samples(grid.z), grid.columns, grid.rows);
    if (shown.has("samples")) scene.dots(samples, 1.9, COLOURS.sample, 0.9);
    if (shown.has("ties") && training.points.length) {
      const some = training.points.slice(0, 2 * ARROWS);
      scene.ties(some, training.vae.rebuild(some));
    }
    if (training.data.modes) scene.modes(training.data.modes, this.found.vae.found, 3 * training.data.spread);
  }

  // The figures of one model, of as many samples as they are measured on.
  figures(panel, half, name) {
    const { training, rules } = this;
    const { data, losses, steps } = training;
    const found = data.empty ? null : training.measure(training.drawn(half, this.switches.now, rules.samples));
    this.found = { ...this.found, [half]: found };
    panel.tell(this.inFigures(found), losses);
    panel.name(`${name}, step ${steps}. ${this.inWords(found)}`);
    this.find(".count").textContent = `step ${steps.toLocaleString("en")}`;
  }

  inFigures(found) {
    const { data: { modes } } = this.training;
    if (!found) return [["data", "none yet"]];
    if (!modes) return [["data covered", percent(found.covered)], ["samples off the data", percent(found.stray)]];
    const balance = found.imbalance === null ? "–" : `${signed(found.imbalance, 2)} nats`;
    return [["modes found", `${found.modes} of ${modes.length}`], ["imbalance", balance], ["at no mode", percent(found.stray)]];
  }

  inWords(found) { return this.inFigures(found).map(([term, text]) => `${term}: ${text}`).join(", "); }

  // For those who listen: now and then.
  say() {
    this.saidAt = performance.now();
    const { gan, vae } = this.found;
    this.find(".live").textContent = `Step ${this.training.steps}. GAN: ${this.inWords(gan)}. VAE: ${this.inWords(vae)}.`;
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() {
    const { header: { seed_name: seedName, drawing_name: drawingName } } = this;
    return {
      ...this.switches.linked(), [seedName]: this.seed === this.header.seed ? "" : String(this.seed),
      [drawingName]: this.byHand ? this.drawing.text : "",
    };
  }

  usual() {
    const { header: { seed, seed_name: seedName, drawing_name: drawingName } } = this;
    return { ...this.switches.usualOfLink(), [seedName]: seed, [drawingName]: "" };
  }

  restore(values) {
    const { header: { seed_name: seedName, drawing_name: drawingName } } = this;
    if (seedName in values) this.seed = values[seedName];
    if (drawingName in values) this.drawing.text = values[drawingName];
    this.full = false;
    this.find(".seed input").value = String(this.seed);
    this.switches.restore(values);
    this.begin();
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    const { training, seed, found, pace, broke, drawing } = this;
    const { data, steps, losses } = training;
    return {
      seed, steps, losses, found, broke, playing: pace.wanted, running: Boolean(pace.running), settings: { ...this.switches.now },
      modes: data.modes?.length ?? 0, strokes: drawing.strokes.length, weights: Array.from(training.gan.generator.parameters.subarray(0, 8)),
    };
  }

  remove() {
    pageLink.leave(this);
    this.pace.remove();
    this.resizes.disconnect();
    this.root.remove();
  }
}

function show(parent, { header, headerText }) {
  const old = mounted.get(parent);
  if (old?.headerText === headerText) return; // the page ran again
  old?.remove();
  mounted.set(parent, new Toy(parent, header, headerText));
  parent.querySelector(".failed").hidden = true;
}

export default function (component) {
  return withPayload(component, "toy", (payload) => show(component.parentElement, payload), (parent) => {
    mounted.get(parent)?.remove();
    mounted.delete(parent);
  });
}
