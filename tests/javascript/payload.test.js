// Payloads: well formed and cut short.

import assert from "node:assert/strict";
import test from "node:test";

import { halvesToFloats, parseHead, payloadOf } from "../../ui/components/engine/payload.js";

// The bytes of a header and a body, at an odd offset, as they arrive.
function bytes(header, body = []) {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const all = new Uint8Array(3 + 4 + text.length + body.length);
  new DataView(all.buffer).setUint32(3, text.length, true);
  all.set(text, 7);
  all.set(body, 7 + text.length);
  return all.subarray(3);
}

const TENSORS = {
  whole: { dtype: "uint8", shape: [2, 2], offset: 0 },
  half: { dtype: "float16", shape: [2], offset: 4 },
  single: { dtype: "float32", shape: [1], offset: 8 },
  signed: { dtype: "int16", shape: [1], offset: 4 },
  counted: { dtype: "uint16", shape: [1], offset: 4 },
  odd: { dtype: "int4", shape: [1], offset: 0 },
};
const BODY = [1, 2, 3, 255, 0x3c, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x20, 0x41];

function parsePayload(data) {
  const { header, rest } = parseHead(data);
  return payloadOf(header, rest.slice().buffer);
}

test("tensors are read where the header says", () => {
  const { header, tensor } = parsePayload(bytes({ format: 2, title: "one", tensors: TENSORS }, BODY));
  assert.equal(header.title, "one");
  assert.deepEqual([...tensor("whole")], [1, 2, 3, 255]);
  assert.deepEqual([...tensor("half")], [1, -2]);
  assert.deepEqual([...tensor("single")], [10]);
  assert.deepEqual([...tensor("signed"), ...tensor("counted")], [0xc03c - 0x10000, 0xc03c]);
  assert.throws(() => tensor("odd"), /unknown type int4/);
  assert.throws(() => tensor("none"), /no tensor none/);
});

test("a header that is not one is refused", () => {
  assert.throws(() => parsePayload(undefined), /no data arrived/);
  assert.throws(() => parsePayload(new Uint8Array(7)), /no data arrived/);
  assert.throws(() => parsePayload(bytes({ format: 1 })), /unknown payload format 1/);
  assert.throws(() => parsePayload(bytes("{\"format\": 2")), SyntaxError);
  const long = bytes({ format: 2, tensors: {} });
  new DataView(long.buffer).setUint32(3, 1e6, true);
  assert.throws(() => parsePayload(long), /ends too early/);
});

test("half precision: subnormal, largest, infinite, not a number", () => {
  const found = [...halvesToFloats(Uint8Array.of(0x00, 0x7b, 0x7c, 0xfc, 0x7e, 0x80, 0x01, 0xff, 0x00, 0x00, 0x00, 0x00))];
  assert.deepEqual(found, [2 ** -24, 65504, Infinity, -Infinity, NaN, -0]);
});
