// The operations that a program may name, one entry each: how it changes a shape, and how it computes. The interpreter asks
// nothing else of them; vae_core/program/operations.py says what they mean. Knows no screen.
//
// An entry has
//   shape(layer, shape)                     what comes out of what goes in; throws where the layer does not fit
// and one of
//   prepare(layer, tensor, shape, outShape, clock) -> (x, batch, y): writes into y; must be affine in x
//   inPlace(x, length), slope(before, after) on every number alone; its derivative from what went in and what came out
//   bend(layer, tensor, shape, nest, clock) what is neither -> {apply, slopes}:
//                                             apply(x, batch, y) writes into y
//                                             slopes(x, change) -> the change of one example's outputs as its inputs x
//                                             change so, exactly; throws where there is no derivative
//                                             nest(layers) -> the network of a nested program, which takes `shape`
//   none of them                            where only the shape changes
// The clock, where there is one, says which row of a sequence comes, see sequence.js.

import { expectLength, product } from "./arrays.js";
import { embedding, nearest } from "./codebook.js";
import { convExtent, convStep, convTransposeExtent, convTransposeStep, maskedConvStep } from "./convolution.js";
import { continuousBernoulliMean, continuousBernoulliSlope, sigmoid } from "./likelihood.js";
import { batchNorm, layerNorm } from "./normalisation.js";
import { maxPool, upsample } from "./resizing.js";
import { causalAttention, places } from "./sequence.js";

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

// Weight and bias (null if it has none) of a layer with so many weights.
function learned(layer, tensor, weights) {
  const weight = expectLength(layer.weight, tensor(layer.weight), weights);
  return [weight, layer.bias ? expectLength(layer.bias, tensor(layer.bias), layer.out) : null];
}

const same = (_layer, shape) => shape;

function elementwise(of, slope) {
  return { shape: same, inPlace: (x, length) => { for (let i = 0; i < length; i++) x[i] = of(x[i]); }, slope };
}

function convolution(step, extent) {
  return {
    shape(layer, shape) {
      if (shape.length !== 3 || shape[0] !== layer.in) throw new Error("a convolution does not fit its input");
      return [layer.out, extent(layer, shape, 0), extent(layer, shape, 1)];
    },
    prepare(layer, tensor, shape, outShape) {
      const [weight, bias] = learned(layer, tensor, layer.in * layer.out * product(layer.kernel_size));
      return step(layer, weight, bias, shape, outShape);
    },
  };
}

// Axis i of the output is axis axes[i] of the input: every output's place in the input, found once.
function permuteStep({ axes }, shape, outShape) {
  const strides = shape.map((_extent, axis) => product(shape.slice(axis + 1)));
  const source = Int32Array.from({ length: product(shape) }, (_none, place) => {
    let from = 0;
    for (let axis = axes.length - 1, rest = place; axis >= 0; axis--) {
      from += (rest % outShape[axis]) * strides[axes[axis]];
      rest = Math.floor(rest / outShape[axis]);
    }
    return from;
  });
  const length = source.length;
  return (x, batch, y) => {
    for (let start = 0; start < batch * length; start += length) {
      for (let i = 0; i < length; i++) y[start + i] = x[start + source[i]];
    }
  };
}

// x + program(x).
function residualStep(body) {
  return {
    apply(x, _batch, y) {
      const change = body.run(x);
      for (let i = 0; i < y.length; i++) y[i] = x[i] + change[i];
    },
    slopes: (x, change) => body.slopes(x, change).map((slope, i) => slope + change[i]),
  };
}

// Both x and program(x), the channels of x first; sizes of one example.
function skipStep(body) {
  const beside = (own, ownAt, made, madeAt, y, at) => {
    y.set(own.subarray(ownAt, ownAt + body.inputs), at);
    y.set(made.subarray(madeAt, madeAt + body.outputs), at + body.inputs);
  };
  const length = body.inputs + body.outputs;
  return {
    apply(x, batch, y) {
      const made = body.run(x);
      for (let b = 0; b < batch; b++) beside(x, b * body.inputs, made, b * body.outputs, y, b * length);
    },
    slopes(x, change) {
      const slopes = new Float32Array(length);
      beside(change, 0, body.slopes(x, change), 0, slopes, 0);
      return slopes;
    },
  };
}

export const OPERATIONS = {
  linear: {
    shape(layer, shape) {
      if (product(shape) !== layer.in) throw new Error(`a linear layer takes ${layer.in} numbers and gets ${product(shape)}`);
      return [layer.out];
    },
    prepare: (layer, tensor) => linearStep(layer, ...learned(layer, tensor, layer.in * layer.out)),
  },
  pointwise: {
    shape(layer, shape) {
      if (shape.at(-1) !== layer.in) throw new Error(`a linear layer takes rows of ${layer.in} numbers and gets ${shape.at(-1)}`);
      return [...shape.slice(0, -1), layer.out];
    },
    prepare(layer, tensor, shape) {
      const step = linearStep(layer, ...learned(layer, tensor, layer.in * layer.out));
      const rows = product(shape) / layer.in;
      return (x, batch, y) => step(x, batch * rows, y);
    },
  },
  places,
  causal_attention: causalAttention,
  conv: convolution(convStep, convExtent),
  conv_transpose: convolution(convTransposeStep, convTransposeExtent),
  masked_conv2d: convolution(maskedConvStep, convExtent),
  max_pool: maxPool,
  upsample,
  reshape: {
    shape(layer, shape) {
      if (product(layer.shape) !== product(shape)) throw new Error("a reshape does not fit its input");
      return layer.shape;
    },
  },
  permute: {
    shape(layer, shape) {
      const axes = [...layer.axes].sort((a, b) => a - b);
      if (axes.length !== shape.length || axes.some((axis, i) => axis !== i)) throw new Error("a permute does not fit its input");
      return layer.axes.map((axis) => shape[axis]);
    },
    prepare: (layer, _tensor, shape, outShape) => permuteStep(layer, shape, outShape),
  },
  residual: {
    shape: same,
    bend(layer, _tensor, shape, nest) {
      const body = nest(layer.program);
      if (body.outputs !== body.inputs) throw new Error(`a residual program makes ${body.outputs} numbers of ${body.inputs}`);
      return residualStep(body);
    },
  },
  skip: {
    shape(layer, shape) {
      const made = outShapeOf(layer.program, shape);
      const alike = shape.length === 3 && made.length === 3 && made[1] === shape[1] && made[2] === shape[2];
      if (!alike) throw new Error(`maps ${made.join(" × ")} cannot be put beside maps ${shape.join(" × ")}`);
      return [shape[0] + made[0], shape[1], shape[2]];
    },
    bend: (layer, _tensor, _shape, nest) => skipStep(nest(layer.program)),
  },
  layer_norm: layerNorm,
  batch_norm: batchNorm,
  embedding,
  nearest,
  relu: {
    shape: same,
    inPlace: (x, length) => { for (let i = 0; i < length; i++) if (x[i] < 0) x[i] = 0; },
    slope: (before) => (before > 0 ? 1 : 0),
  },
  tanh: elementwise(Math.tanh, (_before, after) => 1 - after * after),
  sigmoid: elementwise(sigmoid, (_before, after) => after * (1 - after)),
  continuous_bernoulli_mean: elementwise(continuousBernoulliMean, continuousBernoulliSlope),
};

export function operationOf(layer) {
  if (!Object.hasOwn(OPERATIONS, layer.op)) throw new Error(`unknown layer ${layer.op}`);
  return OPERATIONS[layer.op];
}

// The shape of what layers make of an example of a shape.
function outShapeOf(layers, shape) {
  return layers.reduce((found, layer) => operationOf(layer).shape(layer, found), shape);
}
