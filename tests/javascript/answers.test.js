// A student's answers reach the class whatever becomes of connections: node --test tests/javascript/answers.test.js

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Answers } from "../../ui/components/classroom/answers.js";

const NOTHING = { option: null, sent: 0, final: false };
let stored, sent, open, renewed;

function fresh(code = "K7QM4TXP") {
  const answers = new Answers({
    send: (answer) => { if (open) sent.push(answer); return open; },
    renew: () => { renewed++; answers.sendAll(); },
  });
  answers.show(code);
  return answers;
}

const kept = (name, { option, sent: of }, more = {}) => ({ name, of, option, sent: of, final: false, ...more });

beforeEach(() => {
  stored = new Map();
  [sent, open, renewed] = [[], true, 0];
  globalThis.sessionStorage = {
    getItem: (name) => stored.get(name) ?? null, setItem: (name, text) => stored.set(name, text), removeItem: (name) => stored.delete(name),
  };
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("what was not heard of is sent over the next connection, and no longer once it was", () => {
  const answers = fresh();
  open = false;
  answers.give("q", "sealed", 1);
  assert.deepEqual([sent, answers.of("q", NOTHING).waits, answers.of("q", NOTHING).option], [[], 1, null]);
  open = true;
  answers.sendAll(); // a connection was made, which ends before anything is heard
  answers.sendAll();
  assert.equal(sent.length, 2);
  assert.deepEqual(sent[0], sent[1]);
  answers.heard(kept("q", sent[0]));
  assert.deepEqual(answers.of("q", NOTHING), { option: 1, final: false, waits: null, lost: false, refused: "" });
  answers.sendAll();
  mock.timers.tick(60000);
  assert.deepEqual([sent.length, renewed, stored.size], [2, 0, 0]);
});

test("a connection that says nothing is replaced, and what could not be stored is sent again later", () => {
  const answers = fresh();
  answers.give("q", "sealed", 0);
  mock.timers.tick(8000);
  assert.deepEqual([renewed, sent.length], [1, 2]);
  answers.heard({ name: "q", of: sent[0].sent, refused: "The disk is full.", again: true });
  assert.equal(sent.length, 2);
  mock.timers.tick(4000);
  assert.equal(sent.length, 3);
  answers.heard({ name: "q", of: sent[0].sent, refused: "The class has ended.", again: false });
  assert.equal(answers.of("q", NOTHING).refused, "The class has ended.");
  assert.equal(answers.of("q", NOTHING).waits, null);
});

test("the last choice waits for its own word, and each is later than the one before", () => {
  const answers = fresh();
  answers.give("q", "sealed", 0);
  answers.give("q", "sealed", 2);
  assert.ok(sent.at(-1).sent > sent[0].sent);
  answers.heard(kept("q", sent[0]));
  assert.equal(answers.of("q", NOTHING).waits, 2);
  answers.heard({ ...kept("q", sent.at(-1)), option: 0, sent: sent[0].sent, final: true });
  assert.deepEqual(answers.of("q", NOTHING), { option: 0, final: true, waits: null, lost: true, refused: "" });
});

test("what the page knows is shown unless something newer was heard", () => {
  const answers = fresh();
  answers.give("q", "sealed", 0);
  answers.heard(kept("q", sent[0]));
  const later = { option: 2, sent: sent[0].sent + 5, final: false }; // from another tab
  assert.equal(answers.of("q", later).option, 2);
  assert.equal(answers.of("q", { option: 1, sent: 3, final: false }).option, 0);
  assert.ok(answers.of("q", { option: 0, sent: sent[0].sent, final: true }).final);
});

test("what waits outlives a reload of the page, not the class", () => {
  const answers = fresh();
  open = false;
  answers.give("q", "sealed", 1);
  open = true;
  assert.equal(fresh().of("q", NOTHING).waits, 1);
  assert.equal(sent.length, 1);
  assert.equal(fresh("AAAABBBB").of("q", NOTHING).waits, null);
  stored.set("vae-playground.unsent", "{broken");
  assert.equal(fresh().of("q", NOTHING).waits, null);
  globalThis.sessionStorage = undefined; // blocked
  const blocked = fresh();
  blocked.give("q", "sealed", 1);
  assert.equal(blocked.of("q", NOTHING).waits, 1);
});
