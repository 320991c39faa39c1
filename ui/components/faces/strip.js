// What a decoder makes along one number of a code: a row of tiles on one canvas.

import { imageToRgba } from "../engine/pictures.js";

// Codes like z, one for each value that the number at index takes, one after the other.
export function alongNumber(z, index, values) {
  const codes = new Float32Array(values.length * z.length);
  values.forEach((value, place) => {
    codes.set(z, place * z.length);
    codes[place * z.length + index] = value;
  });
  return codes;
}

// So many values from low to high, at equal distances.
export const spaced = (low, high, count) => Array.from({ length: count }, (_, place) => low + ((high - low) * place) / (count - 1));

export class Strip {
  image;

  count;

  constructor(canvas, image, count) {
    Object.assign(this, { canvas, image, count });
    canvas.width = count * image.width;
    canvas.height = image.height;
    this.context = canvas.getContext("2d");
    this.tile = this.context.createImageData(image.width, image.height);
  }

  // Decoded images one after the other.
  show(decoded) {
    const { image, context, tile } = this;
    const size = image.channels * image.width * image.height;
    for (let place = 0; place < this.count; place++) {
      imageToRgba(decoded, place * size, image, tile.data);
      context.putImageData(tile, place * image.width, 0);
    }
  }
}
