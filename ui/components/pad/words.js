// What a picture shows, in words, for those who do not see it. Knows no screen.

const ROWS = ["top", "middle", "bottom"];
const COLUMNS = ["left", "centre", "right"];
const INK = 0.02; // a pixel above it counts as drawn on

// The class of the held-out image that a picture is nearest to, by squared error. presets: {images (uint8), classes, labels}.
export function nearestLabel(pixels, { images, classes, labels }) {
  const size = pixels.length;
  let [least, best] = [Infinity, 0];
  for (let index = 0; index < classes.length; index++) {
    let total = 0;
    for (let i = 0; i < size; i++) total += (pixels[i] - images[index * size + i] / 255) ** 2;
    if (total < least) [least, best] = [total, index];
  }
  return labels[classes[best]];
}

// Where most of some non-negative values of an image lie: "middle right"; "" where there are none.
export function region(values, side) {
  let [mass, x, y] = [0, 0, 0];
  values.forEach((value, i) => {
    mass += value;
    x += value * (i % side);
    y += value * Math.floor(i / side);
  });
  if (!mass) return "";
  const third = (sum) => Math.min(2, Math.floor((3 * (sum / mass + 0.5)) / side));
  const [row, column] = [ROWS[third(y)], COLUMNS[third(x)]];
  return row === "middle" && column === "centre" ? "centre" : `${row} ${column}`;
}

// What is drawn: "your drawing, which looks most like a held-out 3, ink on 22% of the pixels".
export function drawingInWords(pixels, presets, { label, touched }) {
  const inked = pixels.filter((value) => value > INK).length;
  if (!inked) return "nothing: the image is black";
  if (label !== null && !touched) return `a held-out ${label}`;
  const whose = label === null ? "your drawing" : `a held-out ${label} that you drew on`;
  return `${whose}, nearest to a held-out ${nearestLabel(pixels, presets)}, ink on ${Math.round((100 * inked) / pixels.length)}% of the pixels`;
}

// What the decoder made.
export function decodedInWords(xhat, presets) {
  const bright = xhat.filter((value) => value > 0.5).length;
  return `an image nearest to a held-out ${nearestLabel(xhat, presets)}, with ${bright} pixels brighter than half`;
}

// Where the nats of the pixels are: how many of them hold half, and around which place.
export function natsInWords(nats, side) {
  const sorted = Float64Array.from(nats).sort().reverse();
  const half = sorted.reduce((total, value) => total + value, 0) / 2;
  let [count, sum] = [0, 0];
  while (sum < half) sum += sorted[count++];
  const most = sorted[Math.max(0, count - 1)];
  const place = region(nats.map((value) => (value >= most ? value : 0)), side);
  return `half of them in ${count} of ${nats.length} pixels${place ? `, around the ${place}` : ""}; the costliest pixel has ${sorted[0].toFixed(1)}`;
}
