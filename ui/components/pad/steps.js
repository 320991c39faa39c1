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
    say: ({ header }) => `The encoder reads ${header.image.height * header.image.width} pixels. One head gives μ, the other log σ²: `
      + "with them we know the approximate posterior q(z|x).",
  },
  {
    name: "sample", boxes: ["mean", "sigma", "epsilon", "z"], wires: ["mean>z", "sigma>z", "epsilon>z"],
    say: ({ passage: p, chosen: i, atMean }) => `z${sub(i)} = ${brief(p.mean[i])} + ${brief(p.sigma[i])} · (${brief(p.epsilon[i])}) = ${brief(p.z[i])}. `
      + (atMean ? "With ε = 0, z is the mean: press Sample ε." : "All of the randomness is in ε."),
  },
  {
    name: "decode", boxes: ["z", "decoder", "xhat"], wires: ["z>decoder", "decoder>xhat"],
    say: ({ header }) => `The decoder sees z alone: from ${header.prior_dimension} numbers it computes the expected brightness of every pixel.`,
  },
  {
    name: "loss and gradient", boxes: ["xhat", "z", "mean", "sigma", "decoder", "trunk"], terms: true, wires: [],
    back: ["decoder>xhat", "z>decoder", "mean>z", "sigma>z", "trunk>mean", "trunk>sigma"],
    say: ({ passage: p, chosen: i, network }) => {
      const { z, mean, sigma } = network.gradient(p, i);
      return `Loss ${signed(p.reconstruction + p.klSum, 1)} nats. The reconstruction's gradient at z${sub(i)} is ${brief(z)}; with the KL, `
        + `∂L/∂μ${sub(i)} = ${brief(mean)} and ∂L/∂σ${sub(i)} = ${brief(sigma)}.`;
    },
  },
];

const sub = (index) => String(index + 1).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
