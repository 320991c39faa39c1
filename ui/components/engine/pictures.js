// Decoded images as pictures: pixels into image data, a canvas for one of them. Knows a 2D context, not the page.

// Writes one decoded image into RGBA. ink: grey values become the opacity of white, so that dark lets through.
export function imageToRgba(values, start, image, rgba, ink = false) {
  const pixels = image.height * image.width;
  for (let i = 0; i < pixels; i++) {
    const r = values[start + i] * 255; // Uint8ClampedArray clamps and rounds
    if (image.channels === 3) {
      rgba[4 * i] = r;
      rgba[4 * i + 1] = values[start + pixels + i] * 255;
      rgba[4 * i + 2] = values[start + 2 * pixels + i] * 255;
      rgba[4 * i + 3] = 255;
    } else if (ink) {
      rgba[4 * i] = rgba[4 * i + 1] = rgba[4 * i + 2] = 255;
      rgba[4 * i + 3] = r;
    } else {
      rgba[4 * i] = rgba[4 * i + 1] = rgba[4 * i + 2] = r;
      rgba[4 * i + 3] = 255;
    }
  }
}

// A small canvas that shows one image at its own resolution; CSS scales it.
export class Picture {
  constructor(canvas, image) {
    this.image = image;
    canvas.width = image.width;
    canvas.height = image.height;
    this.context = canvas.getContext("2d");
    this.data = this.context.createImageData(image.width, image.height);
  }

  show(values, start = 0) {
    imageToRgba(values, start, this.image, this.data.data);
    this.context.putImageData(this.data, 0, 0);
  }

  showTile(sheet, index) {
    this.clear();
    const { width, height } = this.image;
    const column = index % sheet.columns;
    const row = Math.floor(index / sheet.columns);
    this.context.drawImage(sheet.bitmap, column * width, row * height, width, height, 0, 0, width, height);
  }

  clear() { this.context.clearRect(0, 0, this.image.width, this.image.height); }
}
