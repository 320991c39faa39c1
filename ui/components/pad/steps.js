// How the boxes of the network are joined, and the four steps that an image takes through them.

import { signed } from "../engine/view.js";
import { brief } from "./bars.js";

export const ROUTES = [
  ["x", "trunk"], ["trunk", "mean"], ["trunk", "sigma"], ["mean", "z"], ["sigma", "z"], ["epsilon", "z"], ["z", "decoder"], ["decoder", "xhat"],
];

// The four steps (Kingma and Welling 2014): what each lights, what the gradient takes backwards, what is said.
export const STEPS = [
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
