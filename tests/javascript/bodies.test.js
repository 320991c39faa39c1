// Tensors by HTTP: fetched once, again where the network fails, given up with a sentence.

import assert from "node:assert/strict";
import test from "node:test";

import { LATER, bodyAtHand, bodyOf } from "../../ui/components/engine/bodies.js";

globalThis.document = { baseURI: "http://localhost/prefix/page" };

// A server that answers in turn as it is told, an error or the bytes of a body; and the waits between the attempts.
function server(...answers) {
  const asked = [], waits = [];
  const get = async (address, { cache }) => {
    asked.push([address.pathname, cache]);
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    if (answer instanceof Error) throw answer;
    return typeof answer === "number" ? new Response(null, { status: answer }) : new Response(Uint8Array.from(answer));
  };
  return { asked, waits, tools: { get, wait: async (milliseconds) => { waits.push(milliseconds); } } };
}

test("tensors are fetched once, however many ask, and are at hand afterwards", async () => {
  const { asked, tools } = server([1, 2, 3]);
  const body = { id: "once", size: 3 };
  assert.equal(bodyAtHand(body), null);
  const both = await Promise.all([bodyOf(body, tools), bodyOf(body, tools)]);
  assert.deepEqual([...new Uint8Array(both[0])], [1, 2, 3]);
  assert.equal(both[0], both[1]);
  assert.equal(bodyAtHand(body), both[0]);
  assert.equal(await bodyOf(body, tools), both[0]);
  assert.deepEqual(asked, [["/prefix/tensors/once", "default"]]);
});

test("none are fetched where there are none", () => {
  assert.equal(bodyAtHand({ id: "empty", size: 0 }).byteLength, 0);
});

test("a network that fails, a server without them and a body cut short are tried again, past the browser's cache", async () => {
  const { asked, waits, tools } = server(new Error("gone"), 404, [1], [1, 2]);
  assert.equal((await bodyOf({ id: "again", size: 2 }, tools)).byteLength, 2);
  assert.deepEqual(asked.map(([, cache]) => cache), ["default", "reload", "reload", "reload"]);
  assert.deepEqual(waits, [...waits].sort((a, b) => a - b));
  assert.equal(waits.length, 3);
});

test("what never comes is given up with a sentence, and can be asked for once more", async () => {
  const { asked, tools } = server(503);
  await assert.rejects(bodyOf({ id: "never", size: 2 }, tools), /its data did not arrive: the server says 503/);
  assert.equal(asked.length, 5);
  const well = server([7, 7]);
  assert.equal((await bodyOf({ id: "never", size: 2 }, well.tools)).byteLength, 2);
});

// Answers in turn: each the pieces of a body, one after another; null: from there on nothing comes until the fetch is ended.
function pieces(pause, ...answers) {
  const seen = { asked: [], ended: 0 };
  const until = (signal) => new Promise((_, fail) => {
    signal.addEventListener("abort", () => { seen.ended++; fail(signal.reason); });
  });
  const get = async (_address, { cache, signal }) => {
    seen.asked.push(cache);
    const answer = answers[Math.min(seen.asked.length, answers.length) - 1];
    if (answer === null) return until(signal);
    return new Response(new ReadableStream({
      async start(stream) {
        try {
          for (const piece of answer) {
            await (piece ? new Promise((done) => { setTimeout(done, pause); }) : until(signal));
            stream.enqueue(Uint8Array.from(piece));
          }
          stream.close();
        } catch (error) {
          stream.error(error);
        }
      },
    }));
  };
  return { seen, tools: { get, stall: 200, wait: async () => undefined } };
}

test("a fetch that hangs, before its headers or among its data, is ended and tried again", { timeout: 10_000 }, async () => {
  const { seen, tools } = pieces(1, null, [[1], null], [[1], [2]]);
  assert.deepEqual([...new Uint8Array(await bodyOf({ id: "hangs", size: 2 }, tools))], [1, 2]);
  assert.deepEqual(seen, { asked: ["default", "reload", "reload"], ended: 2 });
});

test("one that always hangs is given up with a sentence", { timeout: 10_000 }, async () => {
  const { seen, tools } = pieces(1, null);
  await assert.rejects(bodyOf({ id: "silent", size: 2 }, tools), /its data did not arrive: nothing came for 0.2 s/);
  assert.equal(seen.ended, 5);
});

test("data that come slowly, but come, are not ended", { timeout: 10_000 }, async () => {
  const { seen, tools } = pieces(60, [[1], [2], [3], [4], [5], [6]]);
  assert.equal((await bodyOf({ id: "trickles", size: 6 }, tools)).byteLength, 6);
  assert.deepEqual(seen, { asked: ["default"], ended: 0 });
});

test("the longest unused leave memory first", async () => {
  const size = 40 * 2 ** 20;
  const tools = { wait: async () => undefined, get: async () => new Response(new Uint8Array(size)) };
  for (const id of ["one", "two"]) await bodyOf({ id, size }, tools);
  bodyAtHand({ id: "one", size });
  await bodyOf({ id: "three", size }, tools);
  assert.deepEqual(["one", "two", "three"].map((id) => Boolean(bodyAtHand({ id, size }))), [true, false, true]);
});

// Bodies that arrive when they are told to: the ids asked for so far, and what lets one arrive.
function slow() {
  const asked = [], arrive = {};
  const get = (address) => new Promise((resolve) => {
    const id = address.pathname.split("/").pop();
    asked.push(id);
    arrive[id] = () => resolve(new Response(new Uint8Array(1)));
  });
  return { asked, arrive, want: (id, rank) => bodyOf({ id, size: 1 }, { get, rank }) };
}

const soon = () => new Promise((done) => { setTimeout(done, 20); });

test("two are fetched at a time, what is wanted most first, by what is wanted when a turn comes", async () => {
  const { asked, arrive, want } = slow();
  let scrolled = false;
  const all = [want("b", () => 0), want("c", () => (scrolled ? 0 : 3)), want("a", () => -1), want("d", () => 0)];
  await soon();
  assert.deepEqual(asked, ["a", "b"]);
  scrolled = true;
  arrive.b();
  await soon();
  assert.deepEqual(asked, ["a", "b", "c"]);
  for (const id of ["a", "c"]) arrive[id]();
  await soon();
  arrive.d();
  await Promise.all(all);
});

test("what is not wanted at once comes one by one, when nothing else is under way", async () => {
  const { asked, arrive, want } = slow();
  const all = [want("second", () => 1), want("third", () => 2), want("first", () => 0)];
  for (const [place, id] of ["first", "second", "third"].entries()) {
    await soon();
    assert.deepEqual(asked.slice(place), [id]);
    arrive[id]();
  }
  await Promise.all(all);
});

test("what can wait begins once nothing else is under way, and who follows at once on another goes before it", async () => {
  const { asked, arrive, want } = slow();
  const first = want("header", () => 0).then(() => want("stop", () => 1));
  const below = want("below", () => LATER);
  await soon();
  assert.deepEqual(asked, ["header"]);
  arrive.header();
  await soon();
  assert.deepEqual(asked, ["header", "stop"]);
  arrive.stop();
  await soon();
  arrive.below();
  await Promise.all([first, below]);
  assert.deepEqual(asked, ["header", "stop", "below"]);
});

test("one that somebody wants at once does not wait because another can", async () => {
  const { asked, arrive, want } = slow();
  const both = [want("shared", () => LATER), want("other", () => 0), want("shared", () => 0)];
  await soon();
  assert.deepEqual(asked, ["shared", "other"]);
  for (const id of asked) arrive[id]();
  await Promise.all(both);
});
