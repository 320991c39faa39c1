// Tensors of payloads by their digest: fetched from the app's server once, kept by the browser for good, and in memory as
// long as there is room.

import { shared } from "./shared.js";

const IN_MEMORY = 96 * 2 ** 20; // bytes
const WAITS = [400, 1500, 4000, 10000]; // ms before the second attempt and those after it
const STALL = 15000; // ms without a byte after which an attempt has failed; a slow one that goes on has not

const AT_ONCE = 2; // of rank 0. More would share the connection, and with a class on one link, others wait for their first
const TURN = 8000; // ms: a fetch that hangs keeps nobody waiting for longer
export const LATER = 10; // rank of what is not wanted before all else is there; from 1 on they come one by one

const bodies = shared("bodies", () => new Map()); // digest -> ArrayBuffer, the longest unused first
const flights = shared("flights", () => new Map()); // digest -> {promise of it, ranks: of all who ask}
const queue = shared("queue", () => ({ waiting: [], underWay: new Set() })); // {ranks, begin}; what ends each that is fetched now

const rest = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
const address = (id) => new URL(`tensors/${id}`, document.baseURI);

// {id, size} of a header -> the tensors that are in memory, or null.
export function bodyAtHand({ id, size }) {
  if (size === 0) return new ArrayBuffer(0);
  const known = bodies.get(id);
  if (known) keep(id, known);
  return known ?? null;
}

// The same, from the server if they are not in memory; however many ask, they are fetched once. rank() says how soon they
// are wanted, the least first, whenever it is somebody's turn. Fails with a sentence after five attempts, each of which ends
// at once where the server refuses, and after STALL where nothing comes.
export async function bodyOf({ id, size }, { rank = () => 0, get = fetch, wait = rest, stall = STALL } = {}) {
  const known = bodyAtHand({ id, size });
  if (known) return known;
  if (!flights.has(id)) {
    const ranks = [];
    flights.set(id, { ranks, promise: fetched(id, size, ranks, { get, wait, stall }).finally(() => flights.delete(id)) });
  }
  const { ranks, promise } = flights.get(id);
  ranks.push(rank);
  return promise;
}

async function fetched(id, size, ranks, { get, wait, stall }) {
  let failure;
  for (const pause of [0, ...WAITS]) {
    if (pause) await wait(pause);
    const leave = await turn(ranks);
    try {
      // A second attempt does not trust what the browser may have kept of the first.
      const body = await received(address(id), size, pause ? "reload" : "default", { get, stall });
      keep(id, body);
      return body;
    } catch (error) {
      failure = error;
    } finally {
      leave();
    }
  }
  throw new Error(`its data did not arrive: ${failure.message}`);
}

// The bytes at an address. The limit is on each silence, before the headers and between two pieces.
async function received(from, size, cache, { get, stall }) {
  const ended = new AbortController();
  let silence;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => ended.abort(new Error(`nothing came for ${stall / 1000} s`)), stall);
  };
  try {
    heard();
    const answer = await get(from, { cache, signal: ended.signal });
    if (!answer.ok) throw new Error(`the server says ${answer.status}`);
    const body = new Uint8Array(size);
    const pieces = answer.body.getReader();
    let filled = 0;
    for (;;) {
      heard();
      const { done, value } = await pieces.read();
      if (done) break;
      if (filled + value.length > size) throw new Error("there is more data than there should be");
      body.set(value, filled);
      filled += value.length;
    }
    if (filled < size) throw new Error("the data ends too early");
    return body.buffer;
  } finally {
    clearTimeout(silence);
  }
}

// Resolves when it is one's turn, to a function that ends it.
function turn(ranks) {
  return new Promise((resolve) => {
    const begin = () => {
      const leave = () => {
        clearTimeout(hanging);
        // After those who waited for this one have asked for what they want now.
        if (queue.underWay.delete(leave)) setTimeout(next);
      };
      const hanging = setTimeout(leave, TURN);
      queue.underWay.add(leave);
      resolve(leave);
    };
    queue.waiting.push({ ranks, begin });
    setTimeout(next);
  });
}

function next() {
  while (queue.waiting.length && queue.underWay.size < AT_ONCE) {
    const wanted = queue.waiting.map(({ ranks }) => Math.min(...ranks.map((rank) => rank())));
    const least = Math.min(...wanted);
    if (least >= 1 && queue.underWay.size) return;
    const [first] = queue.waiting.splice(wanted.indexOf(least), 1);
    first.begin();
  }
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
