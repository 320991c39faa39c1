// An autoencoder with a codebook: vectors, their nearest entries, the image that the decoder makes of entries, and the
// gradient at one of them. Knows no screen.

import { expectLength } from "../engine/arrays.js";
import { Network } from "../engine/interpreter.js";
import { bernoulliNats } from "../engine/likelihood.js";

export class Quantiser {
  // payload: what parsePayload returned.
  constructor({ header, tensor }) {
    const { image, grid: [rows, columns], dimensions, entries, vectors, layers, decoder_layers: learned, codebook } = header;
    this.cells = rows * columns;
    this.dimensions = dimensions;
    this.entries = entries;
    this.codebook = expectLength("the codebook", tensor(codebook), entries * dimensions);
    this.encoder = new Network(vectors, image.channels * image.height * image.width, tensor);
    const look = layers.findIndex((layer) => layer.op === "embedding") + 1;
    this.lookUp = new Network(layers.slice(0, look), this.cells, tensor);
    // Up to the natural parameters: of logits the cross-entropy's gradient is x̂ - x.
    this.tail = new Network(layers.slice(look, learned), [rows, columns, dimensions], tensor);
    this.pixels = layers.length > learned ? new Network(layers.slice(learned), image.channels * image.height * image.width, tensor) : null;
    const nearest = { op: "nearest", weight: codebook, count: entries, width: dimensions };
    this.nearest = new Network([nearest], [rows, columns, dimensions], tensor);
  }

  // An image -> {pixels, vectors, codes}, in arrays of their own.
  encode(pixels) {
    const vectors = this.encoder.run(pixels).slice();
    return { pixels, vectors, codes: Array.from(this.nearest.run(vectors)) };
  }

  // Codes -> the expected pixels, in an array of their own.
  decode(codes) {
    const parameters = this.tail.run(this.lookUp.run(codes));
    return (this.pixels ? this.pixels.run(parameters) : parameters).slice();
  }

  // -log p(x | codes) in nats, summed over the pixels, under a Bernoulli likelihood.
  nats(pixels, codes) {
    const logits = this.tail.run(this.lookUp.run(codes));
    let total = 0;
    for (let i = 0; i < logits.length; i++) total += bernoulliNats(logits[i], pixels[i]);
    return total;
  }

  vector({ vectors }, cell) { return vectors.slice(cell * this.dimensions, (cell + 1) * this.dimensions); }
  entry(code) { return this.codebook.slice(code * this.dimensions, (code + 1) * this.dimensions); }

  // Squared distances of a vector to all entries.
  distances(vector) {
    return Float64Array.from({ length: this.entries }, (_, code) => squaredDistance(vector, this.entry(code)));
  }

  // One number of the gradient of these nats with respect to the entry in a cell: exact, by forward-mode differentiation.
  slope({ pixels, codes, xhat }, cell, number) {
    const direction = new Float32Array(this.cells * this.dimensions);
    direction[cell * this.dimensions + number] = 1;
    const slopes = this.tail.slopes(this.lookUp.run(codes), direction);
    let total = 0;
    for (let i = 0; i < slopes.length; i++) total += (xhat[i] - pixels[i]) * slopes[i];
    return total;
  }
}

export const squaredDistance = (a, b) => a.reduce((total, value, k) => total + (value - b[k]) ** 2, 0);
