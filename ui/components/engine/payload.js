// The canvas payload: see vae_core/payloads/plane.py for the layout. Nothing here knows of a screen.

import { shared } from "./shared.js";

const HALF_TO_FLOAT = (() => {
  let table = null;
  return () => {
    if (table) return table;
    table = new Float32Array(65536);
    for (let bits = 0; bits < 65536; bits++) {
      const exponent = (bits >> 10) & 31;
      const fraction = bits & 1023;
      let value;
      if (exponent === 0) value = fraction * 2 ** -24;
      else if (exponent === 31) value = fraction ? NaN : Infinity;
      else value = (1 + fraction / 1024) * 2 ** (exponent - 15);
      table[bits] = bits & 32768 ? -value : value;
    }
    return table;
  };
})();

export function halvesToFloats(halves) {
  const table = HALF_TO_FLOAT();
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) floats[i] = table[halves[i]];
  return floats;
}

// Tensors that have arrived, by their id: the server sends them once and then the header alone.
export const bodies = shared("bodies", () => new Map()); // id -> ArrayBuffer, the longest unused first
const BODIES_KEPT = 96 * 2 ** 20; // bytes

function keepBody(id, body) {
  bodies.delete(id);
  bodies.set(id, body);
  let total = 0;
  for (const known of bodies.values()) total += known.byteLength;
  for (const [old, known] of bodies) {
    if (total <= BODIES_KEPT || old === id) break;
    bodies.delete(old);
    total -= known.byteLength;
  }
}

// The tensors of a payload as an ArrayBuffer, or null if only its header came and they are not known.
function bodyOf(header, rest) {
  const identity = header.body;
  if (!identity) return rest.slice().buffer;
  if (rest.length === 0 && identity.size > 0) {
    const known = bodies.get(identity.id);
    if (known) keepBody(identity.id, known);
    return known ?? null;
  }
  if (rest.length !== identity.size) throw new Error("the data ends too early");
  // The bytes arrive at an odd offset, where no typed array may start: slice copies them to one of their own.
  if (!bodies.has(identity.id)) keepBody(identity.id, rest.slice().buffer);
  return bodies.get(identity.id);
}

// Parses the bytes of one payload into {header, headerText, tensor(name), parts}; {header, missing} if its tensors are
// not known. The parts are a bundle's payloads.
export function parsePayload(data) {
  if (!(data instanceof Uint8Array) || data.length < 8) throw new Error("no data arrived");
  const size = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  if (size > data.length - 4) throw new Error("the data ends too early");
  const headerText = new TextDecoder().decode(data.subarray(4, 4 + size));
  const header = JSON.parse(headerText);
  if (header.format !== 1) throw new Error(`unknown payload format ${header.format}`);
  const body = bodyOf(header, data.subarray(4 + size));
  if (!body) return { header, missing: true };
  const parts = (header.parts ?? []).map((part) => ({ header: part, tensor: tensorsIn(body, part) }));
  return { header, headerText, tensor: tensorsIn(body, header), parts };
}

// Reads tensors by name: those that a header lists, where they lie in a body.
function tensorsIn(body, header) {
  return (name) => {
    const entry = header.tensors[name];
    if (!entry) throw new Error(`the payload has no tensor ${name}`);
    const length = entry.shape.reduce((product, extent) => product * extent, 1);
    if (entry.dtype === "float16") return halvesToFloats(new Uint16Array(body, entry.offset, length));
    if (entry.dtype === "float32") return new Float32Array(body, entry.offset, length);
    if (entry.dtype === "uint8") return new Uint8Array(body, entry.offset, length);
    throw new Error(`tensor ${name} has the unknown type ${entry.dtype}`);
  };
}
