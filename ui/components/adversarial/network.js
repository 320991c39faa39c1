// A small fully connected network that learns: forwards, backwards, and the gradient of a penalty on its own slope. All of
// its weights lie in one array, which is all that an optimiser needs to know. Knows no screen.
//
// Hidden layers use tanh: the penalty on slopes (R1) differentiates them twice, and tanh is smooth, so that the field of a
// discriminator is too. Of a leaky ReLU the second derivative is 0 wherever it exists: it would leave a part of R1 out.

import { normals } from "../engine/gaussian.js";

const MOST_ROWS = 512; // of a batch at first; more are made room for

export class Mlp {
  layers;
  parameters;
  gradient;
  rows;
  batch;

  /**
   * sizes: of the input, the hidden layers and the output.
   * @param {number[]} sizes
   */
  constructor(sizes) {
    this.sizes = sizes;
    this.rows = 0;
    const counts = sizes.slice(1).map((out, k) => out * (sizes[k] + 1));
    this.parameters = new Float64Array(counts.reduce((total, count) => total + count, 0));
    this.gradient = new Float64Array(this.parameters.length);
    let from = 0;
    this.layers = sizes.slice(1).map((out, k) => {
      const inputs = sizes[k];
      const [weight, bias] = [[from, from + out * inputs], [from + out * inputs, from + out * (inputs + 1)]];
      from = bias[1];
      const views = (array) => ({ weight: array.subarray(...weight), bias: array.subarray(...bias) });
      return { inputs, out, last: k === sizes.length - 2, turned: new Float64Array(out * inputs), ...views(this.parameters), gradient: views(this.gradient) };
    });
    this.makeRoom(MOST_ROWS);
  }

  // Weights of N(0, 1 / inputs), which keep the size of what passes, and biases that spread the bends of the first layer
  // over the plane.
  initialise(uniform) {
    for (const { weight, bias, inputs, last } of this.layers) {
      weight.set(normals(weight.length, uniform).map((value) => value / Math.sqrt(inputs)));
      bias.set(normals(bias.length, uniform).map((value) => (last ? 0 : value)));
    }
  }

  makeRoom(rows) {
    if (rows <= this.rows) return;
    this.rows = BLOCK * Math.ceil(rows / BLOCK);
    const room = (size) => new Float64Array(this.rows * size);
    this.values = this.sizes.map(room); // the input and what each layer gives
    this.adjoints = this.sizes.map(room);
    this.tangents = this.sizes.map(room);
    this.bent = this.sizes.map(room); // tangents before the activation
    this.turned = this.sizes.map(room); // adjoints of tangents
  }

  // Rows of inputs to rows of outputs, which stay until the next call.
  forward(x, batch) {
    this.makeRoom(batch);
    this.batch = batch;
    this.values[0].set(batch * this.sizes[0] === x.length ? x : x.subarray(0, batch * this.sizes[0]));
    this.layers.forEach((layer, k) => {
      const [input, output] = [this.values[k], this.values[k + 1]];
      multiply(layer, input, output, batch, layer.bias);
      if (!layer.last) bend(output, batch * layer.out);
    });
    return this.values.at(-1);
  }

  // After forward(): adds to the gradient what a change of the outputs, `slopes`, asks of the weights (unless `weights` is
  // false), and gives what it asks of the inputs.
  backward(slopes, weights = true) {
    const { batch, layers, values, adjoints } = this;
    adjoints.at(-1).set(slopes.subarray(0, batch * this.sizes.at(-1)));
    for (let k = layers.length - 1; k >= 0; k--) {
      const layer = layers[k];
      const adjoint = adjoints[k + 1];
      if (!layer.last) {
        const output = values[k + 1];
        for (let i = 0, n = batch * layer.out; i < n; i++) adjoint[i] *= 1 - output[i] * output[i];
      }
      if (weights) {
        addProducts(layer.gradient.weight, adjoint, values[k], batch, layer);
        addRows(layer.gradient.bias, adjoint, batch, layer.out);
      }
      multiplyBack(layer, adjoint, adjoints[k], batch);
    }
    return adjoints[0];
  }

  // After forward() of a network with one output s: adds the gradient of `weight` / 2 times the mean of |ds/dx|² over the
  // rows, and gives that penalty (R1, Mescheder et al. 2018).
  //
  // With v = ds/dx held, the gradient of |ds/dx|² / 2 is that of the slope along v. That slope goes through the network
  // once forwards, as a tangent beside the values, and both of them back.
  addSlopePenalty(weight) {
    const { batch, layers, values, tangents, bent, turned, adjoints } = this;
    const ones = new Float64Array(batch).fill(1);
    tangents[0].set(this.backward(ones, false));
    let squares = 0;
    for (let i = 0, n = batch * this.sizes[0]; i < n; i++) squares += tangents[0][i] ** 2;
    layers.forEach((layer, k) => {
      multiply(layer, tangents[k], bent[k + 1], batch, null);
      if (layer.last) return;
      const output = values[k + 1];
      for (let i = 0, n = batch * layer.out; i < n; i++) tangents[k + 1][i] = (1 - output[i] * output[i]) * bent[k + 1][i];
    });
    turned.at(-1).fill(weight / batch, 0, batch);
    adjoints.at(-1).fill(0, 0, batch); // the output itself is not asked for
    for (let k = layers.length - 1; k >= 0; k--) {
      const layer = layers[k];
      const [adjoint, turning, output] = [adjoints[k + 1], turned[k + 1], values[k + 1]];
      if (!layer.last) {
        for (let i = 0, n = batch * layer.out; i < n; i++) {
          const slope = 1 - output[i] * output[i];
          adjoint[i] = slope * (adjoint[i] - 2 * output[i] * bent[k + 1][i] * turning[i]);
          turning[i] *= slope;
        }
        addProducts(layer.gradient.weight, adjoint, values[k], batch, layer);
        addRows(layer.gradient.bias, adjoint, batch, layer.out);
      }
      addProducts(layer.gradient.weight, turning, tangents[k], batch, layer);
      if (!k) break;
      multiplyBack(layer, adjoint, adjoints[k], batch);
      multiplyBack(layer, turning, turned[k], batch);
    }
    return (weight / 2) * (squares / batch);
  }
}

// The loops take four rows at once: each weight is read once for four products.
const BLOCK = 4;

// output[b, o] = sum over i of weight[o, i] · input[b, i], and a bias where there is one.
function multiply({ weight, inputs, out }, input, output, batch, bias) {
  for (let b = 0; b < batch; b += BLOCK) {
    const row = b * inputs;
    for (let o = 0, w = 0; o < out; o++) {
      const start = bias ? bias[o] : 0;
      let s0 = start;
      let s1 = start;
      let s2 = start;
      let s3 = start;
      for (let i = row, end = row + inputs; i < end; i++, w++) {
        const factor = weight[w];
        s0 += factor * input[i];
        s1 += factor * input[i + inputs];
        s2 += factor * input[i + 2 * inputs];
        s3 += factor * input[i + 3 * inputs];
      }
      const at = b * out + o;
      output[at] = s0;
      output[at + out] = s1;
      output[at + 2 * out] = s2;
      output[at + 3 * out] = s3;
    }
  }
}

// result[b, i] = sum over o of weight[o, i] · adjoint[b, o].
function multiplyBack({ weight, inputs, out, turned }, adjoint, result, batch) {
  for (let o = 0, w = 0; o < out; o++) for (let i = 0; i < inputs; i++, w++) turned[i * out + o] = weight[w];
  multiply({ weight: turned, inputs: out, out: inputs }, adjoint, result, batch, null);
}

// sum[o, i] += sum over b of adjoint[b, o] · input[b, i], for a batch of whole blocks.
function addProducts(sum, adjoint, input, batch, { inputs, out }) {
  for (let b = 0; b < batch; b += BLOCK) {
    const row = b * inputs;
    for (let o = 0, w = 0; o < out; o++) {
      const at = b * out + o;
      const g0 = adjoint[at];
      const g1 = adjoint[at + out];
      const g2 = adjoint[at + 2 * out];
      const g3 = adjoint[at + 3 * out];
      for (let i = row, end = row + inputs; i < end; i++, w++) {
        sum[w] += g0 * input[i] + g1 * input[i + inputs] + g2 * input[i + 2 * inputs] + g3 * input[i + 3 * inputs];
      }
    }
  }
}

function addRows(sum, adjoint, batch, out) {
  for (let b = 0, i = 0; b < batch; b++) for (let o = 0; o < out; o++, i++) sum[o] += adjoint[i];
}

// By one exponential: twice as fast as Math.tanh, and exact to rounding.
function bend(values, count) {
  for (let i = 0; i < count; i++) values[i] = 1 - 2 / (1 + Math.exp(2 * values[i]));
}
