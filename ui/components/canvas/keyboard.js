// The plane by keys: a crosshair that decodes, pins, paths, zoom.

import { arrowStep } from "../engine/keys.js";

const IN_VIEW = 0.97; // of the view's half: the crosshair goes no nearer to its edge

export function listenToKeys(canvas) {
  canvas.plane.addEventListener("keydown", (event) => {
    if (press(canvas, event)) event.preventDefault();
  });
  canvas.plane.addEventListener("blur", () => canvas.hideLens());
}

// Does what a key means; false if it means nothing here.
function press(canvas, event) {
  const { x, y } = canvas.at;
  const step = arrowStep(event);
  const { key } = event;
  if (step) moveTo(canvas, x + step[0] * 2 * canvas.view.half, y - step[1] * 2 * canvas.view.half);
  else if (key === "Enter" || key === " ") canvas.pins.add(x, y);
  else if (key.toLowerCase() === "p" && !event.ctrlKey && !event.metaKey && !event.altKey) canvas.route.toggleByKeys();
  else if (key === "Escape") canvas.clear();
  else if (key === "Backspace" || key === "Delete") canvas.pins.remove(canvas.pins.list.length - 1);
  else if (key === "+" || key === "=") canvas.tool("in");
  else if (key === "-") canvas.tool("out");
  else if (key === "0") canvas.tool("fit");
  else return false;
  return true;
}

// Puts the crosshair at a place, which the view follows.
function moveTo(canvas, x, y) {
  const { view } = canvas;
  const { cx, cy, half } = view.get();
  const pull = (value, centre) => centre + Math.sign(value - centre) * Math.max(0, Math.abs(value - centre) - half * IN_VIEW);
  view.set({ cx: pull(x, cx), cy: pull(y, cy), half });
  if (view.cx !== cx || view.cy !== cy) canvas.viewChanged();
  canvas.touch(x, y);
  canvas.showLens(...view.toPlane(x, y));
  if (canvas.route.byKeys) canvas.route.add(x, y);
  canvas.say(canvas.readout.sentence());
}
