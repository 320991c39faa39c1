// Inside the VAE: a drawing goes through encoder, sample and decoder under the pen, and both terms of its loss with it.
// Nothing is told to the server.

const insides = new Map(); // mount point -> Inside

const ROUTES = [
  ["x", "trunk"], ["trunk", "mean"], ["trunk", "sigma"], ["mean", "z"], ["sigma", "z"], ["epsilon", "z"], ["z", "decoder"], ["decoder", "xhat"],
];

// The four steps (Kingma and Welling 2014): what each lights, what the gradient takes backwards, what is said.
const STEPS = [
  {
    name: "encode", boxes: ["x", "trunk", "mean", "sigma"], wires: ["x>trunk", "trunk>mean", "trunk>sigma"],
    say: ({ header }) => `The trunk reads the ${header.image.height * header.image.width} pixels once. Two heads share what it found: `
      + "one gives μ, the other log σ².",
  },
  {
    name: "sample", boxes: ["mean", "sigma", "epsilon", "z"], wires: ["mean>z", "sigma>z", "epsilon>z"],
    say: ({ passage: p, chosen: i }) => `ε comes from outside: z${sub(i)} = ${brief(p.mean[i])} + ${brief(p.sigma[i])} · (${brief(p.epsilon[i])}) = ${brief(p.z[i])}.`,
  },
  {
    name: "decode", boxes: ["z", "decoder", "xhat"], wires: ["z>decoder", "decoder>xhat"],
    say: ({ header }) => `The decoder sees z alone, and turns its ${header.prior_dimension} numbers into a brightness to expect for every pixel.`,
  },
  {
    name: "loss and gradient", boxes: ["xhat", "z", "mean", "sigma", "decoder", "trunk"], terms: true, wires: [],
    back: ["decoder>xhat", "z>decoder", "mean>z", "sigma>z", "trunk>mean", "trunk>sigma"],
    say: ({ passage: p, chosen: i, network }) => {
      const { z, mean, sigma } = network.gradient(p, i);
      return `Loss ${signed(p.reconstruction + p.klSum, 1)} nats. The gradient comes back through z: the reconstruction pulls at z${sub(i)} with `
        + `${brief(z)}; with the KL that makes ∂L/∂μ${sub(i)} = ${brief(mean)} and ∂L/∂σ${sub(i)} = ${brief(sigma)}. ε learns nothing.`;
    },
  },
];

const sub = (index) => String(index + 1).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

const VALUE_END = 4; // of the scales of μ, ε and z
const SIGMA_END = 1.25;
const SCALE_ENDS = [1, 2, 5, 10, 20, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12800];
const RAMP = [[4, 6, 11], [68, 119, 170], [204, 187, 68], [255, 255, 255]]; // dark to light, from Tol's bright scheme

// The first of some round numbers that is at least `value`, else the value.
const roundUp = (value, ends) => ends.find((end) => end >= value) ?? value;

function rampColour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const low = Math.min(Math.floor(place), RAMP.length - 2);
  return RAMP[low].map((value, channel) => value + (place - low) * (RAMP[low + 1][channel] - value));
}

class Inside {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".inside");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.moves = { count: 0, milliseconds: new Float64Array(4096) };
    this.frozen = true;
    this.step = -1; // of STEPS; -1: all of it
    this.pad = new Pad(this.root, { changed: () => this.update(), rested: () => this.rest() });
    this.plane = new InsidePlane(this.root);
    this.wires = new Wires(this.find(".flow"), ROUTES);
    this.find(".step").onclick = () => this.nextStep();
    this.find(".resample").onclick = () => this.resample();
    this.find(".freeze").onclick = () => this.setFrozen(!this.frozen);
    this.find(".previous").onclick = () => this.choose((this.chosen + this.dimensions - 1) % this.dimensions);
    this.find(".next").onclick = () => this.choose((this.chosen + 1) % this.dimensions);
    this.root.inside = this; // for tests and the browser console
  }

  // A new payload, or the same one again because the page ran again.
  receive(payload) {
    if (payload.headerText === this.headerText) return;
    this.headerText = payload.headerText;
    const drawing = this.pad.ink && this.header.image.height === payload.header.image.height ? this.pad.snapshot() : null;
    this.header = payload.header;
    this.root.hidden = false;
    this.failed.hidden = true;
    for (const name of ["title", "subtitle"]) {
      this.find(`.${name}`).textContent = this.header[name] ?? "";
      this.find(`.${name}`).hidden = !this.header[name];
    }
    this.build(payload, drawing);
  }

  build(payload, drawing) {
    const { header } = payload;
    this.network = new Passage(payload);
    this.dimensions = header.prior_dimension;
    this.epsilon = normals(this.dimensions);
    this.chosen = 0;
    this.passage = null;
    this.seen = new Picture(this.find("canvas.seen"), header.image);
    this.rebuilt = new Picture(this.find("canvas.rebuilt"), header.image);
    this.nats = new Picture(this.find("canvas.nats"), { ...header.image, channels: 3 });
    this.coloured = new Float32Array(3 * this.network.nats.length);
    this.buildBoxes();
    this.buildMeasured();
    this.plane.build(payload);
    const presets = { images: payload.tensor("presets"), classes: Array.from(payload.tensor("preset_classes")), labels: header.labels };
    this.pad.build(header.image.height, presets);
    this.setStep(-1);
    if (drawing) this.pad.restore(drawing);
    else this.pad.take(Math.max(0, presets.classes.indexOf(header.options.start)));
    this.pad.past.length = 0;
    this.pad.show();
    this.wires.lay();
  }

  // Layers with their sizes and numbers of parameters, and a bar for each dimension.
  buildBoxes() {
    const { header, dimensions } = this;
    const { encoder, parameters, image } = header;
    const size = image.height * image.width;
    this.find(".x-size").textContent = `${size} pixels`;
    const decoder = header.layers.slice(header.plane_layers);
    this.showLayers("trunk", encoder.trunk, parameters.trunk, [size]);
    this.showLayers("decoder", decoder, parameters.decoder, [dimensions]);
    const heads = { mean: encoder.mean[0], sigma: encoder.log_var[0] };
    const learned = { mean: parameters.mean[0], sigma: parameters.log_var[0] };
    for (const [name, layer] of Object.entries(heads)) {
      const gives = name === "sigma" ? "log σ², " : "";
      this.find(`[data-box=${name}] .layer`).textContent = `${gives}${layer.in} → ${layer.out}, ${learned[name].toLocaleString("en")} weights`;
    }
    const choose = (index) => this.choose(index);
    const bars = (name, options) => new Bars(this.find(`[data-box=${name}] .bars`), dimensions, { choose, ...options });
    const twoSided = { end: VALUE_END, twoSided: true };
    this.bars = {
      mean: bars("mean", twoSided), sigma: bars("sigma", { end: SIGMA_END, twoSided: false }),
      epsilon: bars("epsilon", twoSided), z: bars("z", twoSided),
      kl: new Bars(this.find(".divergence .bars"), dimensions, { choose, end: 5, twoSided: false }),
    };
    this.find(".plane-note").textContent = header.axes[0].startsWith("z") ? "all of it" : "principal plane of the codes, "
      + `${Math.round(100 * header.variance_share)}% of their variance`;
  }

  // One line for each layer: what comes out of it, and what it has learned.
  showLayers(name, layers, parameters, input) {
    const lines = [];
    let shape = input;
    layers.forEach((layer, index) => {
      if (layer.op === "reshape") { shape = layer.shape; return; }
      if (layer.op === "relu" || layer.op === "tanh" || layer.op === "sigmoid") {
        lines.at(-1)?.append(`, ${layer.op === "relu" ? "ReLU" : layer.op}`);
        return;
      }
      if (layer.op === "linear") shape = [layer.out];
      else shape = [layer.out, ...[0, 1].map((axis) => CONVOLUTIONS[layer.op][1](layer, shape, axis))];
      const kind = { linear: "", conv: "convolution ", conv_transpose: "transposed " }[layer.op];
      const entry = element("li", {}, `${kind}→ ${shape.join(" × ")}`);
      entry.title = `${parameters[index].toLocaleString("en")} weights`;
      lines.push(entry);
    });
    const box = this.find(`[data-box=${name}]`);
    box.querySelector("ol").replaceChildren(...lines);
    const total = sum(parameters);
    box.querySelector(".count").textContent = total ? `${total.toLocaleString("en")} weights` : "no layers";
  }

  // What a whole test set scores.
  buildMeasured() {
    const { reconstruction, kl, bernoulli_floor: floor, n } = this.header.measured;
    this.known = reconstruction !== null && kl !== null && floor !== null;
    this.find("[data-total=test]").classList.toggle("unknown", !this.known);
    this.find("[data-total=test] .name").textContent = this.known ? `mean of ${n.toLocaleString("en")} test digits` : "test digits: not measured";
  }

  // ---- what follows the pen ---------------------------------------------------------------------------------------

  update() {
    const began = performance.now();
    if (!this.frozen) this.epsilon = normals(this.dimensions);
    this.passage = this.network.run(this.pad.pixels(), this.epsilon);
    this.show();
    this.moves.milliseconds[this.moves.count++ % this.moves.milliseconds.length] = performance.now() - began;
  }

  show() {
    const { passage: p, bars } = this;
    this.seen.show(p.pixels);
    this.rebuilt.show(p.xhat);
    for (const name of ["mean", "sigma", "epsilon", "z", "kl"]) bars[name].show(p[name]);
    this.showTerms();
    this.showDimension();
    this.plane.show(p);
    this.find(".where").textContent = this.plane.outside ? "μ lies beyond the picture." : "";
    this.find(".nothing").hidden = p.pixels.some((value) => value > 0);
    if (this.step >= 0) this.saySentence();
  }

  showTerms() {
    const { passage: p } = this;
    const total = p.reconstruction + p.klSum;
    const { reconstruction, kl, bernoulli_floor: floor } = this.header.measured;
    const end = roundUp(Math.max(total, this.known ? reconstruction + kl : 0), SCALE_ENDS);
    const fill = (name, terms) => terms.forEach((value, index) => {
      this.find(`[data-total=${name}] .track`).children[index].style.width = `${(100 * Math.max(value, 0)) / end}%`;
    });
    fill("this", [p.floor, p.reconstruction - p.floor, p.klSum]);
    this.find("[data-total=this] .value").textContent = signed(total, 1);
    if (this.known) {
      fill("test", [floor, reconstruction - floor, kl]);
      this.find("[data-total=test] .value").textContent = signed(reconstruction + kl, 1);
    }
    this.find(".scale .end").textContent = signed(end, 0);
    this.find(".reconstruction").textContent = `${signed(p.reconstruction, 1)} nats, floor ${signed(p.floor, 1)}`;
    this.find(".kl-sum").textContent = `${signed(p.klSum, 1)} nats`;
    this.showMap();
  }

  showMap() {
    const { nats } = this.passage;
    let most = 0;
    for (const value of nats) if (value > most) most = value;
    const end = roundUp(most, SCALE_ENDS);
    const size = nats.length;
    for (let i = 0; i < size; i++) {
      const [r, g, b] = rampColour(nats[i] / end);
      this.coloured[i] = r / 255;
      this.coloured[size + i] = g / 255;
      this.coloured[2 * size + i] = b / 255;
    }
    this.nats.show(this.coloured);
    this.find(".ramp .top").textContent = signed(end, 0);
  }

  showDimension() {
    const { passage: p, chosen: i } = this;
    const sigma = Math.fround(p.sigma[i]) === 0 ? "0: too small for a single-precision number" : brief(p.sigma[i]);
    this.find(".dimension .read").textContent = `dimension ${i + 1}: μ ${brief(p.mean[i])}, log σ² ${brief(p.logVar[i])}, σ ${sigma}, `
      + `ε ${brief(p.epsilon[i])}, z ${brief(p.z[i])}, KL ${brief(p.kl[i])} nats`;
  }

  // The pen is up: what only those need who do not see it.
  rest() {
    const { passage: p, bars } = this;
    for (const [name, text] of [["mean", "μ"], ["sigma", "σ"], ["epsilon", "ε"], ["z", "z"], ["kl", "KL in nats"]]) bars[name].tell(text, p[name]);
    this.find("canvas.nats").setAttribute("aria-label", `Nats of every pixel, ${signed(p.reconstruction, 1)} in all`);
    this.find(".told").textContent = `Reconstruction ${signed(p.reconstruction, 1)} nats, KL ${signed(p.klSum, 1)} nats.`;
  }

  // ---- ε, dimensions, steps ---------------------------------------------------------------------------------------

  resample() {
    this.epsilon = normals(this.dimensions);
    this.plane.resample();
    const { frozen } = this;
    this.frozen = true; // this one is to be seen
    this.update();
    this.frozen = frozen;
    this.rest();
  }

  setFrozen(frozen) {
    this.frozen = frozen;
    this.find(".freeze").setAttribute("aria-pressed", String(frozen));
  }

  choose(index) {
    this.chosen = index;
    for (const bars of Object.values(this.bars)) bars.choose(index);
    if (!this.passage) return;
    this.showDimension();
    if (this.step >= 0) this.saySentence();
  }

  nextStep() { this.setStep(this.step + 1 < STEPS.length ? this.step + 1 : -1); }

  setStep(step) {
    this.step = step;
    const { boxes, wires, back, terms } = STEPS[step] ?? {};
    for (const box of this.root.querySelectorAll("[data-box]")) {
      box.classList.toggle("dim", step >= 0 && !boxes.includes(box.dataset.box));
      box.classList.toggle("lit", step >= 0 && boxes.includes(box.dataset.box));
    }
    this.find(".terms").classList.toggle("dim", step >= 0 && !terms);
    this.wires.light(step >= 0 ? new Set(wires) : null, new Set(back));
    this.find(".step").textContent = step < 0 ? "One step" : step + 1 < STEPS.length ? "Next step" : "All of it";
    this.saySentence();
    this.choose(this.chosen);
  }

  saySentence() {
    const entry = STEPS[this.step];
    if (!entry) { this.find(".sentence").textContent = "All of it, at every move of the pen. Or one step after the other:"; return; }
    if (!this.passage) return;
    this.find(".sentence").replaceChildren(element("b", { textContent: `${this.step + 1} of 4, ${entry.name}. ` }), entry.say(this));
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    const { passage: p, moves } = this;
    const list = (name) => Array.from(p[name]);
    return {
      pixels: list("pixels"), mean: list("mean"), log_var: list("logVar"), epsilon: list("epsilon"), z: list("z"),
      xhat: list("xhat"), nats: list("nats"), kl: list("kl"), reconstruction: p.reconstruction, floor: p.floor,
      gradient: Array.from(p.z, (_, index) => this.network.gradient(p, index)),
      place: this.plane.project(p.mean), factor: this.plane.factor(p.sigma), preset: this.pad.preset, touched: this.pad.touched,
      ink: Array.from(this.pad.ink.ink), step: this.step, chosen: this.chosen, past: this.pad.past.length,
      moveMilliseconds: Array.from(moves.milliseconds.subarray(0, Math.min(moves.count, moves.milliseconds.length))),
    };
  }

  remove() {
    this.plane.end();
    this.wires.end();
    this.root.remove();
  }
}

export default function (component) {
  const { parentElement } = component;
  withPayload(component, "network", (payload) => {
    let inside = insides.get(parentElement);
    if (!inside) insides.set(parentElement, (inside = new Inside(parentElement)));
    inside.receive(payload);
  });
  return () => {
    insides.get(parentElement)?.remove();
    insides.delete(parentElement);
    forgetPayload(parentElement);
  };
}
