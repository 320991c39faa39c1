// Runs a payload's programs: plain loops over Float32Arrays, a batch at a time. Knows no screen.

import { product } from "./arrays.js";
import { operationOf } from "./operations.js";

// A program of layers, see vae_core/program/operations.py.
export class Network {
  // taken: how many numbers it takes, or the shape of what it takes. tensor: reads weights by name. clock: of a network that
  // sees the rows of a sequence one after the other, see Sequence.
  constructor(layers, taken, tensor, clock = null) {
    this.steps = [];
    let shape = [taken].flat();
    this.inputs = product(shape);
    for (const layer of layers) {
      const operation = operationOf(layer);
      const outShape = operation.shape(layer, shape);
      const length = product(outShape);
      if (operation.prepare) this.steps.push({ apply: operation.prepare(layer, tensor, shape, outShape, clock), length });
      else if (operation.bend) {
        const from = shape;
        const nest = (program) => new Network(program, from, tensor, clock);
        this.steps.push({ ...operation.bend(layer, tensor, from, nest, clock), length });
      } else if (operation.inPlace) this.steps.push({ inPlace: operation.inPlace, slope: operation.slope, length });
      shape = outShape;
    }
    this.outputs = product(shape);
    this.buffers = new Map();
  }

  // Inputs one after the other -> outputs one after the other. The result is reused by the next call with the same
  // batch.
  run(inputs) {
    const batch = inputs.length / this.inputs;
    let x = new Float32Array(inputs);
    let buffers = this.buffers.get(batch);
    if (!buffers) {
      buffers = this.steps.map((step) => (step.inPlace ? null : new Float32Array(batch * step.length)));
      this.buffers.set(batch, buffers);
    }
    this.steps.forEach((step, index) => {
      if (step.inPlace) { step.inPlace(x, batch * step.length); return; }
      step.apply(x, batch, buffers[index]);
      x = buffers[index];
    });
    return x;
  }

  // How fast the outputs change when one input (not a batch) moves in a direction: the exact derivative, carried along
  // through the layers (forward-mode differentiation).
  slopes(input, direction) {
    let x = new Float32Array(input);
    let change = new Float32Array(direction);
    for (const step of this.steps) {
      if (step.inPlace) {
        const before = x.slice();
        step.inPlace(x, step.length);
        for (let i = 0; i < change.length; i++) change[i] *= step.slope(before[i], x[i]);
        continue;
      }
      if (step.slopes) {
        const y = new Float32Array(step.length);
        step.apply(x, 1, y);
        change = step.slopes(x, change);
        x = y;
        continue;
      }
      // The layer is a matrix and a bias: what it makes of 0 is the bias, which no change feels.
      const inputs = new Float32Array(3 * x.length);
      inputs.set(x);
      inputs.set(change, x.length);
      const outputs = new Float32Array(3 * step.length);
      step.apply(inputs, 3, outputs);
      x = outputs.slice(0, step.length);
      change = outputs.slice(step.length, 2 * step.length);
      for (let i = 0; i < change.length; i++) change[i] -= outputs[2 * step.length + i];
    }
    return change;
  }
}

// A program over a sequence, such as a prior over codes, run one row after the other.
export class Sequence {
  // rows: the most that come.
  constructor(layers, rows, tensor) {
    this.clock = { place: 0, rows };
    this.network = new Network(layers, [1], tensor, this.clock);
  }

  // The next row's number -> the outputs of that row, reused by the next call.
  next(number) {
    if (this.clock.place >= this.clock.rows) throw new Error(`the sequence has ${this.clock.rows} rows, and all have come`);
    const found = this.network.run([number]);
    this.clock.place++;
    return found;
  }

  // Go back to a row, 0 for the start: what came from there on is forgotten.
  back(place) {
    if (!(place >= 0 && place <= this.clock.place)) throw new Error(`there is no way back to row ${place}`);
    this.clock.place = place;
  }
}

export class Decoder extends Network {
  // payload: what parsePayload returned.
  constructor({ header, tensor }) {
    super(header.layers, header.inputs ?? 2, tensor);
    this.size = header.image.channels * header.image.height * header.image.width;
    if (this.outputs !== this.size) throw new Error(`the decoder makes ${this.outputs} numbers for ${this.size} pixels`);
  }

  // The decoder of codes: without the layers that embed a plane's points in latent space.
  static ofCodes({ header, tensor }) {
    const layers = header.layers.slice(header.plane_layers);
    return new Decoder({ header: { ...header, layers, inputs: header.prior_dimension }, tensor });
  }

  // Codes one after the other, such as plane points [x0, y0, x1, y1, ...] -> expected pixels, (batch * size) floats.
  // The result is reused by the next call with the same batch.
  decode(points) { return this.run(points); }
}

// An image to its posterior: one trunk, computed once, and two heads on it.
export class Encoder {
  constructor({ header, tensor }) {
    const { trunk, mean, log_var } = header.encoder;
    const { channels, height, width } = header.image;
    this.trunk = new Network(trunk, channels * height * width, tensor);
    this.mean = new Network(mean, this.trunk.outputs, tensor);
    this.logVar = new Network(log_var, this.trunk.outputs, tensor);
    if (this.mean.outputs !== this.logVar.outputs) throw new Error("the two heads differ in their number of dimensions");
  }

  // Flat images in [0, 1] -> {mean, logVar}, reused by the next call with the same batch.
  encode(pixels) {
    const features = this.trunk.run(pixels);
    return { mean: this.mean.run(features), logVar: this.logVar.run(features) };
  }
}
