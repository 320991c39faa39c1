// The stops of a sweep: trained models that differ only in β, at the whole numbers of a line, and what lies between
// two of them. Knows no screen.

import { expectLength } from "../engine/arrays.js";
import { Decoder } from "../engine/interpreter.js";
import { shared } from "../engine/shared.js";
import { View, classMedians } from "../engine/view.js";

class Stop {
  constructor(payload) {
    const { header, tensor } = payload;
    this.header = header;
    this.index = header.index;
    this.decoder = new Decoder(payload);
    this.codeDecoder = header.plane_layers ? Decoder.ofCodes(payload) : this.decoder;
    this.classes = tensor("classes");
    this.points = expectLength("points", tensor("points"), 2 * this.classes.length);
    this.posteriors = expectLength("posteriors", tensor("posteriors"), 3 * this.classes.length);
    this.pinned = tensor("pinned");
    this.centres = classMedians(this.points, this.classes, header.labels.length);
    this.view = new View(header.range);
  }
}

class Sweep {
  buffer;

  constructor(id) {
    this.id = id;
    this.stops = new Map(); // index -> Stop
    this.dials = new Set(); // to be told of a stop that has arrived
  }

  // Takes a stop; the same one again, because the page ran again, changes nothing.
  receive(payload) {
    const { index, body } = payload.header;
    if (this.stops.get(index)?.header.body.id === body.id) return;
    const stop = new Stop(payload);
    this.buffer ??= new Float32Array(stop.points.length);
    expectLength("points", stop.points, this.buffer.length);
    this.stops.set(index, stop);
    for (const dial of this.dials) dial.arrived(stop);
  }

  // First and last of the stops that have arrived without a gap around `index`; null if that one has not.
  reach(index) {
    if (!this.stops.has(index)) return null;
    let [low, high] = [index, index];
    while (this.stops.has(low - 1)) low--;
    while (this.stops.has(high + 1)) high++;
    return [low, high];
  }

  // The stops on either side of a position, and its share of the way; one stop twice on the stop itself.
  between(position) {
    const low = Math.floor(position);
    const share = position - low;
    const below = this.stops.get(low);
    return { below, above: share ? this.stops.get(low + 1) : below, share };
  }

  // Where every held-out image is: [x0, y0, x1, y1, ...]. Between two stops it is an array that the next call reuses.
  points(position) {
    const { below, above, share } = this.between(position);
    if (!share) return below.points;
    const [from, to, out] = [below.points, above.points, this.buffer];
    for (let i = 0; i < out.length; i++) out[i] = from[i] + share * (to[i] - from[i]);
    return out;
  }

  // Where the classes' names are.
  centres(position) {
    const { below, above, share } = this.between(position);
    if (!share) return below.centres;
    const mix = (from, to) => from.map((value, axis) => value + share * (to[axis] - value));
    return below.centres.map((centre, label) => centre && mix(centre, above.centres[label]));
  }

  // What is seen: its width changes by equal factors on equal steps, as a zoom does.
  view(position) {
    const { below, above, share } = this.between(position);
    if (!share) return below.view;
    const half = below.view.half * (above.view.half / below.view.half) ** share;
    const around = (from, to) => { const centre = from + share * (to - from); return [centre - half, centre + half]; };
    return new View({ x: around(below.view.cx, above.view.cx), y: around(below.view.cy, above.view.cy) });
  }
}

const sweeps = shared("sweeps", () => new Map()); // id -> Sweep, of the dials on the page

export function sweepOf(id) {
  if (!sweeps.has(id)) sweeps.set(id, new Sweep(id));
  return sweeps.get(id);
}

// A dial is gone, and with the last one its stops.
export function leaveSweep(sweep, dial) {
  sweep.dials.delete(dial);
  if (!sweep.dials.size) sweeps.delete(sweep.id);
}
