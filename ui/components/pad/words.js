// What a picture shows, in words, for those who do not see it. Knows no screen.

import { sum } from "../engine/arrays.js";

const ROWS = ["top", "middle", "bottom"];
const COLUMNS = ["left", "centre", "right"];
const INK = 0.02; // a pixel above it counts as drawn on
const LEAST_SHARE = 0.08; // of all, for a ninth of the image to be named

// The class of the held-out image that a picture is most like, by the cosine between their pixels: how thick the strokes are
// makes little difference. presets: {images (uint8), classes, labels}.
export function likestLabel(pixels, { images, classes, labels }) {
  const size = pixels.length;
  let [most, best] = [-Infinity, 0];
  for (let index = 0; index < classes.length; index++) {
    let [shared, squares] = [0, 0];
    for (let i = 0; i < size; i++) {
      const other = images[index * size + i];
      shared += pixels[i] * other;
      squares += other * other;
    }
    const cosine = shared / Math.sqrt(squares);
    if (cosine > most) [most, best] = [cosine, index];
  }
  return labels[classes[best]];
}

// In which ninths of an image some non-negative values mostly are: "top left, top centre, centre"; "" where there are none.
export function regions(values, side) {
  const shares = new Float64Array(9);
  values.forEach((value, i) => {
    const [row, column] = [Math.floor(i / side), i % side].map((place) => Math.floor((3 * place) / side));
    shares[3 * row + column] += value;
  });
  const total = sum(shares);
  const named = (place) => (place === 4 ? "centre" : `${ROWS[Math.floor(place / 3)]} ${COLUMNS[place % 3]}`);
  return Array.from(shares.keys()).filter((place) => total && shares[place] > LEAST_SHARE * total).map(named).join(", ");
}

// What is drawn: "your drawing, ink on 16% of the pixels: top left, top centre, centre".
export function drawingInWords(pixels, side, { label, touched }) {
  const inked = pixels.filter((value) => value > INK).length;
  if (!inked) return "nothing: the image is black";
  const whose = label === null ? "your drawing" : touched ? `a held-out ${label} that you drew on` : `a held-out ${label}`;
  return `${whose}, ink on ${Math.round((100 * inked) / pixels.length)}% of the pixels: ${regions(pixels, side)}`;
}

// What the decoder made.
export const decodedInWords = (xhat, side, presets) =>
  `an image most like a held-out ${likestLabel(xhat, presets)}, bright in these parts: ${regions(xhat, side)}`;

// Where the nats of the pixels are: how many of them hold half, and around which place.
export function natsInWords(nats, side) {
  const sorted = Float64Array.from(nats).sort().reverse();
  const half = sum(sorted) / 2;
  let [count, held] = [0, 0];
  while (held < half) held += sorted[count++];
  const most = sorted[Math.max(0, count - 1)];
  const places = regions(nats.map((value) => (value >= most ? value : 0)), side);
  return `half of them in ${count} of ${nats.length} pixels (${places}); the costliest pixel has ${sorted[0].toFixed(1)}`;
}
