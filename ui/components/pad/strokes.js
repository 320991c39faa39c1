// Strokes of a drawing as lists of places, and a drawing as a short text for a link. Knows no screen.
//
// A text is a letter for what is below the strokes, then ".p" (pen) or ".e" (eraser) for each stroke, with three letters
// for each of its places: "b.pXXXXXXXXX.eXXXXXX". ui/chapters/inside/drawing.py checks such a text when a link comes.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STEPS = 512; // along each axis of the grid that places lie on, 9 bits
const PER_PIXEL = 16;
const OUTSIDE = 2; // pixels of the grid beyond the 28 by 28 of the pad: no brush reaches in from there
const LAST = (STEPS - 1) / PER_PIXEL - OUTSIDE;
const AWAY = 0.12; // pixels: what a place may be off the line through its neighbours to be left out

export const LONGEST = 1500; // letters that a link takes: some 500 places, where a digit has 10 to 40

// What may lie below the strokes.
export const BASES = { blank: "b", asDrawn: "a", digit: "d" };

const toGrid = (value) => Math.round((Math.min(Math.max(value, -OUTSIDE), LAST) + OUTSIDE) * PER_PIXEL);
const fromGrid = (step) => step / PER_PIXEL - OUTSIDE;

// A place on the grid near a place, both in pixels of 28.
const onGrid = (place) => place.map((value) => fromGrid(toGrid(value)));

// A stroke's places on the grid, without those that a straight line does as well (Ramer 1972; Douglas and Peucker 1973).
export function simplified(places) {
  const all = places.map(onGrid);
  const kept = new Set([0, all.length - 1]);
  const parts = [[0, all.length - 1]];
  while (parts.length) {
    const [first, last] = parts.pop();
    let [most, at] = [AWAY, -1];
    for (let i = first + 1; i < last; i++) {
      const away = toSegment(all[i], all[first], all[last]);
      if (away > most) [most, at] = [away, i];
    }
    if (at < 0) continue;
    kept.add(at);
    parts.push([first, at], [at, last]);
  }
  return all.filter((_, i) => kept.has(i));
}

// Distance of a place from the straight stretch between two others.
function toSegment([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const along = length ? Math.min(Math.max(((x - x0) * dx + (y - y0) * dy) / length, 0), 1) : 0;
  return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
}

// base: a value of BASES. strokes: [{erase, places}], places on the grid.
export const written = (base, strokes) =>
  [base, ...strokes.map(({ erase, places }) => `${erase ? "e" : "p"}${places.map(letters).join("")}`)].join(".");

function letters([x, y]) {
  const both = toGrid(x) * STEPS + toGrid(y);
  return DIGITS[both >> 12] + DIGITS[(both >> 6) & 63] + DIGITS[both & 63];
}

// The opposite of `written`, of a text that the server has checked.
export function read(text) {
  const [base, ...parts] = text.split(".");
  return { base, strokes: parts.map((part) => ({ erase: part[0] === "e", places: placesOf(part.slice(1)) })) };
}

function placesOf(text) {
  return Array.from({ length: text.length / 3 }, (_, i) => {
    const both = [...text.slice(3 * i, 3 * i + 3)].reduce((sum, letter) => 64 * sum + DIGITS.indexOf(letter), 0);
    return [Math.floor(both / STEPS), both % STEPS].map(fromGrid);
  });
}
