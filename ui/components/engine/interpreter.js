// Interprets the payload's layers: plain loops over Float32Arrays, a batch at a time. Knows no screen.

export function expectLength(name, array, length) {
  if (array.length !== length) throw new Error(`${name} has ${array.length} numbers where ${length} belong`);
  return array;
}

// y[b, :] = bias + sum_i x[b, i] w[:, i], skipping the inputs that are zero: a ReLU leaves few others, which makes
// this several times faster than a dot product per output. Four inputs at once: one pass over y for all of them.
function linearStep(layer, weight, bias) {
  const inputs = layer.in;
  const outputs = layer.out;
  const columns = new Float32Array(weight.length); // input-major, so that an input's weights lie together
  for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) columns[i * outputs + o] = weight[o * inputs + i];
  const used = new Int32Array(inputs);
  return (x, batch, y) => {
    for (let b = 0; b < batch; b++) {
      const from = b * inputs;
      const to = b * outputs;
      if (bias) y.set(bias, to);
      else y.fill(0, to, to + outputs);
      let count = 0;
      for (let i = 0; i < inputs; i++) if (x[from + i] !== 0) used[count++] = i;
      let k = 0;
      for (; k + 3 < count; k += 4) {
        const [i0, i1, i2, i3] = [used[k], used[k + 1], used[k + 2], used[k + 3]];
        const [x0, x1, x2, x3] = [x[from + i0], x[from + i1], x[from + i2], x[from + i3]];
        const [c0, c1, c2, c3] = [i0 * outputs, i1 * outputs, i2 * outputs, i3 * outputs];
        for (let o = 0; o < outputs; o++) {
          y[to + o] += x0 * columns[c0 + o] + x1 * columns[c1 + o] + x2 * columns[c2 + o] + x3 * columns[c3 + o];
        }
      }
      for (; k < count; k++) {
        const value = x[from + used[k]];
        const column = used[k] * outputs;
        for (let o = 0; o < outputs; o++) y[to + o] += value * columns[column + o];
      }
    }
  };
}

// Transposed convolution: every input pixel stamps its kernel onto the output. Weight (in, out, kh, kw).
function convTransposeStep(layer, weight, bias, shape, outShape) {
  const [inputs, height, width] = shape;
  const [outputs, outHeight, outWidth] = outShape;
  const [kh, kw] = layer.kernel_size;
  const [sh, sw] = layer.stride;
  const [ph, pw] = layer.padding;
  const plane = outHeight * outWidth;
  return (x, batch, y) => {
    for (let b = 0; b < batch; b++) {
      const out = b * outputs * plane;
      for (let o = 0; o < outputs; o++) y.fill(bias ? bias[o] : 0, out + o * plane, out + (o + 1) * plane);
      for (let c = 0; c < inputs; c++) {
        for (let row = 0; row < height; row++) {
          for (let column = 0; column < width; column++) {
            const value = x[((b * inputs + c) * height + row) * width + column];
            if (value === 0) continue; // half of what a ReLU lets through is zero
            for (let o = 0; o < outputs; o++) {
              const kernel = (c * outputs + o) * kh * kw;
              for (let i = 0; i < kh; i++) {
                const r = row * sh - ph + i;
                if (r < 0 || r >= outHeight) continue;
                const line = out + o * plane + r * outWidth;
                for (let j = 0; j < kw; j++) {
                  const k = column * sw - pw + j;
                  if (k >= 0 && k < outWidth) y[line + k] += value * weight[kernel + i * kw + j];
                }
              }
            }
          }
        }
      }
    }
  };
}

// Convolution, a kernel's weight at a time: each is added, shifted, to the whole output. Weight (out, in, kh, kw).
function convStep(layer, weight, bias, shape, outShape) {
  const [inputs, height, width] = shape;
  const [outputs, outHeight, outWidth] = outShape;
  const [kh, kw] = layer.kernel_size;
  const [sh, sw] = layer.stride;
  const [ph, pw] = layer.padding;
  const plane = outHeight * outWidth;
  // First and last output whose input, shifted by `tap`, is not in the padding.
  const first = (tap, stride, padding) => Math.max(0, Math.ceil((padding - tap) / stride));
  const last = (tap, stride, padding, extent, count) => Math.min(count - 1, Math.floor((extent - 1 + padding - tap) / stride));
  return (x, batch, y) => {
    for (let b = 0; b < batch; b++) {
      for (let o = 0; o < outputs; o++) {
        const out = (b * outputs + o) * plane;
        y.fill(bias ? bias[o] : 0, out, out + plane);
        for (let c = 0; c < inputs; c++) {
          const from = (b * inputs + c) * height * width;
          for (let i = 0; i < kh; i++) {
            const bottom = last(i, sh, ph, height, outHeight);
            for (let j = 0; j < kw; j++) {
              const value = weight[((o * inputs + c) * kh + i) * kw + j];
              const left = first(j, sw, pw);
              const right = last(j, sw, pw, width, outWidth);
              for (let row = first(i, sh, ph); row <= bottom; row++) {
                const line = from + (row * sh - ph + i) * width - pw + j;
                const to = out + row * outWidth;
                for (let column = left; column <= right; column++) y[to + column] += value * x[line + column * sw];
              }
            }
          }
        }
      }
    }
  };
}

const ACTIVATIONS = {
  relu: (x, length) => { for (let i = 0; i < length; i++) if (x[i] < 0) x[i] = 0; },
  tanh: (x, length) => { for (let i = 0; i < length; i++) x[i] = Math.tanh(x[i]); },
  sigmoid: (x, length) => { for (let i = 0; i < length; i++) x[i] = 1 / (1 + Math.exp(-x[i])); },
};

// Their derivatives, from what went in and what came out.
const SLOPES = {
  relu: (before) => (before > 0 ? 1 : 0),
  tanh: (before, after) => 1 - after * after,
  sigmoid: (before, after) => after * (1 - after),
};

// How far a convolution reaches along an axis.
const convExtent = (layer, shape, axis) =>
  Math.floor((shape[axis + 1] + 2 * layer.padding[axis] - layer.kernel_size[axis]) / layer.stride[axis]) + 1;
const convTransposeExtent = (layer, shape, axis) =>
  (shape[axis + 1] - 1) * layer.stride[axis] - 2 * layer.padding[axis] + layer.kernel_size[axis] + layer.output_padding[axis];
export const CONVOLUTIONS = { conv: [convStep, convExtent], conv_transpose: [convTransposeStep, convTransposeExtent] };

// A program of layers, see vae_core/models/program.py.
export class Network {
  // inputs: how many numbers it takes. tensor: reads weights by name.
  constructor(layers, inputs, tensor) {
    this.inputs = inputs;
    this.steps = [];
    let shape = [inputs];
    const count = () => shape.reduce((product, extent) => product * extent, 1);
    for (const layer of layers) {
      if (layer.op in ACTIVATIONS) {
        this.steps.push({ inPlace: ACTIVATIONS[layer.op], slope: SLOPES[layer.op], length: count() });
      } else if (layer.op === "reshape") {
        if (layer.shape.reduce((a, b) => a * b, 1) !== count()) throw new Error("a reshape does not fit its input");
        shape = layer.shape;
      } else if (layer.op === "linear") {
        if (count() !== layer.in) throw new Error(`a linear layer takes ${layer.in} numbers and gets ${count()}`);
        const weight = expectLength(layer.weight, tensor(layer.weight), layer.in * layer.out);
        const bias = layer.bias ? expectLength(layer.bias, tensor(layer.bias), layer.out) : null;
        shape = [layer.out];
        this.steps.push({ apply: linearStep(layer, weight, bias), length: count() });
      } else if (layer.op in CONVOLUTIONS) {
        if (shape.length !== 3 || shape[0] !== layer.in) throw new Error("a convolution does not fit its input");
        const [step, extent] = CONVOLUTIONS[layer.op];
        const outShape = [layer.out, extent(layer, shape, 0), extent(layer, shape, 1)];
        const kernel = layer.kernel_size[0] * layer.kernel_size[1];
        const weight = expectLength(layer.weight, tensor(layer.weight), layer.in * layer.out * kernel);
        const bias = layer.bias ? expectLength(layer.bias, tensor(layer.bias), layer.out) : null;
        const apply = step(layer, weight, bias, shape, outShape);
        shape = outShape;
        this.steps.push({ apply, length: count() });
      } else {
        throw new Error(`unknown layer ${layer.op}`);
      }
    }
    this.outputs = count();
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
