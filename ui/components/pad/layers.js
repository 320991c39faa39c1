// A network's layers as a line of text.

import { sum } from "../engine/arrays.js";
import { operationOf } from "../engine/operations.js";

// The shapes on the way through, and how many numbers were learned. What each layer does, the page's table says.
export function showLayers(box, layers, parameters, input) {
  const shapes = [input];
  for (const layer of layers) {
    if (layer.op === "reshape") { shapes[shapes.length - 1] = layer.shape; continue; }
    const shape = operationOf(layer).shape(layer, shapes.at(-1));
    if (shape.join() !== shapes.at(-1).join()) shapes.push(shape);
  }
  box.querySelector(".shapes").textContent = shapes.map((shape) => shape.join("×")).join(" → ");
  const total = sum(parameters);
  box.querySelector(".count").textContent = total ? `${total.toLocaleString("en")} weights` : "no layers";
}
