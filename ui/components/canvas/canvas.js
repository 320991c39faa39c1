// The latent canvas: a plane of latent space that decodes under the pointer. All touch happens in the browser; Python hears
// of pins, paths and views only when the visitor commits (click, pointer-up), and only where the page asks for it.

import { showFailure, withPayload } from "../engine/page.js";
import { slices } from "../engine/slices.js";
import { onThumbnails, receiveThumbnails } from "../engine/thumbnails.js";
import { LatentCanvas } from "./coordinator.js";

const instances = new Map(); // mount point -> LatentCanvas

// Fills in what the planes already point at.
onThumbnails((images) => {
  for (const canvas of instances.values()) {
    if (canvas.options?.images !== images) continue;
    canvas.showFocus();
    if (canvas.options.pictures) canvas.drawPoints();
  }
});

export default function (component) {
  const { parentElement, setStateValue } = component;
  const here = () => {
    if (!instances.has(parentElement)) instances.set(parentElement, new LatentCanvas(parentElement));
    return instances.get(parentElement);
  };
  return withPayload(component, "plane", (payload) => {
    const canvas = here();
    const apply = () => {
      try {
        if (instances.get(parentElement) === canvas) canvas.update(payload, setStateValue);
      } catch (error) {
        showFailure(parentElement, "plane", error);
      }
      return false;
    };
    // Several planes arrive with a page: each is set up in a frame of its own.
    if (canvas.ready) apply();
    else {
      canvas.prepare(payload.header);
      slices.add(apply);
    }
  }, () => {
    instances.get(parentElement)?.remove();
    instances.delete(parentElement);
  }, { before: (header) => here().prepare(header), later: receiveThumbnails });
}
