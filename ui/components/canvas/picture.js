// The plane as a PNG picture.

import { PLANE } from "../engine/drawing.js";
import { element, save } from "../engine/page.js";

const MANIFOLD_OPACITY = 0.42; // as in plane.css

// side: of the picture, in its own pixels.
export function savePicture(find, side, name) {
  const canvas = element("canvas", { width: side, height: side });
  const context = canvas.getContext("2d");
  context.fillStyle = PLANE.ground;
  context.fillRect(0, 0, side, side);
  for (const layer of ["manifold", "heat", "points", "marks"]) {
    const drawn = find(`canvas.${layer}`);
    if (drawn.hidden) continue;
    context.globalAlpha = layer === "manifold" ? MANIFOLD_OPACITY : 1;
    context.drawImage(drawn, 0, 0, side, side);
  }
  canvas.toBlob((blob) => save(blob, `${name}.png`));
}
