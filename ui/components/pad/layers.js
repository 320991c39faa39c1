// A network's layers as lines of text.

import { sum } from "../engine/arrays.js";
import { operationOf } from "../engine/operations.js";
import { element } from "../engine/page.js";

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
    shape = operationOf(layer).shape(layer, shape);
    const kind = { linear: "", conv: "convolution ", conv_transpose: "transposed " }[layer.op] ?? `${layer.op.replaceAll("_", " ")} `;
    const what = element("span", {}, `${kind}→ ${shape.join(" × ")}`);
    const learned = element("span", { className: "learned", title: "weights and biases", textContent: parameters[index].toLocaleString("en") });
    lines.push(element("li", {}, what, learned));
  });
  box.querySelector("ol").replaceChildren(...lines);
  const total = sum(parameters);
  box.querySelector(".count").textContent = total ? `${total.toLocaleString("en")} weights` : "no layers";
}
