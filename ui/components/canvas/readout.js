// What is at a place, in words and pictures: z, the prior's density there, the nearest image.

import { standardNormal } from "../engine/gaussian.js";
import { Picture } from "../engine/pictures.js";
import { sheets } from "../engine/thumbnails.js";
import { placeText } from "../engine/view.js";

const DENSITY = { least: 5e-4, share: 0.001 }; // smaller ones are written otherwise

export class Readout {
  constructor(canvas) {
    this.canvas = canvas;
    this.find = canvas.find;
  }

  build() {
    const { canvas, find } = this;
    const { header, options, image } = canvas;
    this.noun = header.noun ?? "image";
    find(".nearest-name").textContent = `nearest ${this.noun}`;
    this.pictures = Object.fromEntries(["decoded", "original", "rebuilt"].map((name) => [name, new Picture(find(`.${name}`), image)]));
    this.lensPicture = new Picture(find(".lens canvas"), image);
    find(".rebuilt").closest("figure").hidden = Boolean(options.compact);
  }

  // values: decoded at (x, y); index: of the nearest image, -1 if none is shown; nothing: it is far away.
  show({ x, y }, values, index, distance, nothing) {
    const { canvas, find } = this;
    this.lensPicture.show(values);
    this.pictures.decoded.show(values);
    find(".z").textContent = this.place(x, y);
    find(".density").textContent = canvas.header.prior ? this.density(x, y) : "none (no prior)";
    const away = distance === 0 ? "at its code" : `${distance.toPrecision(2)} away`;
    const name = index < 0 ? "none shown" : `${canvas.header.labels[canvas.classes[index]]}, ${away}`;
    find(".nearest").textContent = nothing ? `${name}: nothing lives here` : name;
  }

  place(x, y) {
    const { half } = this.canvas.view;
    return placeText(x, y, half < 0.1 ? 4 : half < 1 ? 3 : 2);
  }

  // N(0, I) at the plane's point: its density where the plane is all of latent space, and relative to its peak.
  density(x, y) {
    const { plane_origin: origin, plane_axes: axes, prior_dimension: d } = this.canvas.header;
    let squared = 0;
    for (let i = 0; i < d; i++) squared += (origin[i] + x * axes[0][i] + y * axes[1][i]) ** 2;
    const { density, share } = standardNormal(squared, d);
    const small = density < DENSITY.least;
    const value = d > 2 ? "" : `${small ? density.toExponential(0).replace("-", "−") : density.toFixed(3)}, `;
    return `${value}${share < DENSITY.share ? "under 0.1" : (100 * share).toFixed(share < 0.1 ? 1 : 0)}% of its peak`;
  }

  // The nearest image and what the model makes of its code.
  showImage(index) {
    const { canvas, pictures } = this;
    if (index < 0) {
      pictures.original.clear();
      pictures.rebuilt.clear();
      return;
    }
    const sheet = sheets.get(canvas.options.images);
    if (sheet) pictures.original.showTile(sheet, index);
    if (!canvas.options.compact) pictures.rebuilt.show(canvas.decoder.decode(canvas.codeOf(index)));
  }

  sentence() {
    const { x, y } = this.canvas.at;
    return `z = ${this.place(x, y)}. Nearest ${this.noun}: ${this.find(".nearest").textContent}.`;
  }
}
