// A film as an animated GIF that can be sent around: all its epochs, with the samples below the plane.

import { FONT, PLANE } from "../engine/drawing.js";
import { Gif, Palette } from "../engine/gif.js";
import { element } from "../engine/page.js";

const SIDES = [400, 320, 256, 192, 128]; // pixels of the plane: the first whose file is small enough
const MOST_BYTES = 2e6;
const LINE = 26; // pixels of the line that names the epoch
const GAP = 6;
const LAST_SHOWN = 200; // hundredths of a second
const WHOLE = 600; // hundredths of a second of all epochs but the last
const pause = () => new Promise((done) => { setTimeout(done); });

// film: {frames, title(index), drawPlane(context, side, index), drawSamples(context, index) or null, samplesSize}.
// The bytes of the file.
export async function movingPicture(film) {
  let gif;
  for (const side of SIDES) {
    gif = await ofSide(film, side);
    if (gif) break;
  }
  return gif;
}

async function ofSide({ frames, title, drawPlane, drawSamples, samplesSize }, side) {
  const [width, height] = samplesSize ?? [1, 0];
  const below = drawSamples ? Math.round((side * height) / width) + GAP : 0;
  const canvas = element("canvas", { width: side, height: LINE + side + below });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const samples = element("canvas", { width, height });
  const draw = (index) => {
    context.fillStyle = PLANE.ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = "#e8eef7";
    context.font = `600 13px ${FONT}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(title(index), 8, LINE / 2, side - 16);
    context.save();
    context.translate(0, LINE);
    context.beginPath();
    context.rect(0, 0, side, side);
    context.clip();
    drawPlane(context, side, index);
    context.restore();
    if (drawSamples) {
      drawSamples(samples.getContext("2d"), index);
      context.imageSmoothingEnabled = side < width;
      context.drawImage(samples, 0, LINE + side + GAP, side, below - GAP);
    }
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const last = frames.length - 1;
  const gif = new Gif(canvas.width, canvas.height, new Palette([...new Set([0, last >> 1, last])].map(draw)));
  const delay = Math.max(4, Math.min(25, Math.round(WHOLE / frames.length)));
  for (let index = 0; index <= last; index++) {
    gif.add(draw(index), index === last ? LAST_SHOWN : delay);
    if (gif.size > MOST_BYTES && side > SIDES.at(-1)) return null;
    await pause();
  }
  return gif.end();
}
