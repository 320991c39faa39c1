// The canvas payload: see vae_core/payloads/plane.py for the layout. Nothing here knows of a screen.

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

// Half-precision numbers, first the high byte of each, then the low ones.
export function halvesToFloats(bytes) {
  const table = HALF_TO_FLOAT();
  const count = bytes.length / 2;
  const floats = new Float32Array(count);
  for (let i = 0; i < count; i++) floats[i] = table[bytes[i] << 8 | bytes[count + i]];
  return floats;
}

// Parses the bytes of a header, which the tensors may follow: {header, headerText, rest}.
export function parseHead(data) {
  if (!(data instanceof Uint8Array) || data.length < 8) throw new Error("no data arrived");
  const size = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  if (size > data.length - 4) throw new Error("the data ends too early");
  const headerText = new TextDecoder().decode(data.subarray(4, 4 + size));
  const header = JSON.parse(headerText);
  if (header.format !== 2) throw new Error(`unknown payload format ${header.format}`);
  return { header, headerText, rest: data.subarray(4 + size) };
}

// A header and the ArrayBuffer of its tensors -> what components read: {header, tensor(name)}.
export const payloadOf = (header, body) => ({ header, tensor: tensorsIn(body, header) });

// Reads tensors by name: those that a header lists, where they lie in a body.
function tensorsIn(body, header) {
  return (name) => {
    const entry = header.tensors[name];
    if (!entry) throw new Error(`the payload has no tensor ${name}`);
    const length = entry.shape.reduce((product, extent) => product * extent, 1);
    if (entry.dtype === "float16") return halvesToFloats(new Uint8Array(body, entry.offset, 2 * length));
    if (entry.dtype === "float32") return new Float32Array(body, entry.offset, length);
    if (entry.dtype === "int16") return new Int16Array(body, entry.offset, length);
    if (entry.dtype === "uint16") return new Uint16Array(body, entry.offset, length);
    if (entry.dtype === "uint8") return new Uint8Array(body, entry.offset, length);
    throw new Error(`tensor ${name} has the unknown type ${entry.dtype}`);
  };
}
