// A network's layers as lines of text.

import { CONVOLUTIONS } from "../engine/interpreter.js";
import { element } from "../engine/page.js";
import { sum } from "./terms.js";

// One line for each layer: what comes out of it, and what it has learned.
export function showLayers(box, layers, parameters, input) {
  const lines = [];
  let shape = input;
  layers.forEach((layer, index) => {
    if (layer.op === "reshape") { shape = layer.shape; return; }
    if (layer.op === "relu" || layer.op === "tanh" || layer.op === "sigmoid") {
      lines.at(-1)?.firstChild.append(`, ${layer.op === "relu" ? "ReLU" : layer.op}`);
      return;
    }
    if (layer.op === "linear") shape = [layer.out];
    else shape = [layer.out, ...[0, 1].map((axis) => CONVOLUTIONS[layer.op][1](layer, shape, axis))];
    const kind = { linear: "", conv: "convolution ", conv_transpose: "transposed " }[layer.op];
    const what = element("span", {}, `${kind}→ ${shape.join(" × ")}`);
    const learned = element("span", { className: "learned", title: "weights and biases", textContent: parameters[index].toLocaleString("en") });
    lines.push(element("li", {}, what, learned));
  });
  box.querySelector("ol").replaceChildren(...lines);
  const total = sum(parameters);
  box.querySelector(".count").textContent = total ? `${total.toLocaleString("en")} weights` : "no layers";
}
