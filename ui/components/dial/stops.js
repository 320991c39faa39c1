// The stops that are on the page: which mount point has brought which. Knows no screen.

import { sweepOf } from "./sweep.js";

const carried = new Map(); // mount point -> [{sweep, index}] of the stops that it brought

// A mount point brings one stop, or several in a bundle.
export function takeStops(parentElement, payload) {
  const stops = payload.parts.length ? payload.parts : [payload];
  const old = carried.get(parentElement) ?? [];
  carried.set(parentElement, stops.map(({ header: { sweep, index } }) => ({ sweep, index })));
  old.forEach(forgetUncarried);
  for (const stop of stops) sweepOf(stop.header.sweep).receive(stop);
}

export function dropStops(parentElement) {
  const old = carried.get(parentElement) ?? [];
  carried.delete(parentElement);
  old.forEach(forgetUncarried);
}

// Forgets a stop, unless some mount point still brings it: a page may put the new one up before it takes the old down.
function forgetUncarried({ sweep, index }) {
  const same = (stop) => stop.sweep === sweep && stop.index === index;
  if (![...carried.values()].flat().some(same)) sweepOf(sweep).forget(index);
}
