// Tensors of payloads by their digest: fetched from the app's server once, kept by the browser for good, and in memory as
// long as there is room.

import { shared } from "./shared.js";

const IN_MEMORY = 96 * 2 ** 20; // bytes
const WAITS = [400, 1500, 4000, 10000]; // ms before the second attempt and those after it

const bodies = shared("bodies", () => new Map()); // digest -> ArrayBuffer, the longest unused first
const flights = shared("flights", () => new Map()); // digest -> promise of it

const rest = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
const address = (id) => new URL(`tensors/${id}`, document.baseURI);

// {id, size} of a header -> the tensors that are in memory, or null.
export function bodyAtHand({ id, size }) {
  if (size === 0) return new ArrayBuffer(0);
  const known = bodies.get(id);
  if (known) keep(id, known);
  return known ?? null;
}

// The same, from the server if they are not in memory; however many ask, they are fetched once. Fails with a sentence if
// the server does not answer for a quarter of a minute.
export async function bodyOf({ id, size }, { get = fetch, wait = rest } = {}) {
  const known = bodyAtHand({ id, size });
  if (known) return known;
  if (!flights.has(id)) {
    const flight = fetched(id, size, get, wait).finally(() => flights.delete(id));
    flights.set(id, flight);
  }
  return flights.get(id);
}

async function fetched(id, size, get, wait) {
  let failure;
  for (const pause of [0, ...WAITS]) {
    if (pause) await wait(pause);
    try {
      // A second attempt does not trust what the browser may have kept of the first.
      const answer = await get(address(id), { cache: pause ? "reload" : "default" });
      if (!answer.ok) throw new Error(`the server says ${answer.status}`);
      const body = await answer.arrayBuffer();
      if (body.byteLength !== size) throw new Error("the data ends too early");
      keep(id, body);
      return body;
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(`its data did not arrive: ${failure.message}`);
}

function keep(id, body) {
  bodies.delete(id);
  bodies.set(id, body);
  let total = 0;
  for (const known of bodies.values()) total += known.byteLength;
  for (const [old, known] of bodies) {
    if (total <= IN_MEMORY || old === id) break;
    bodies.delete(old);
    total -= known.byteLength;
  }
}
