// Animated GIFs, read again by a decoder written from the format's description.

import assert from "node:assert/strict";
import test from "node:test";

import { Gif, Palette } from "../../ui/components/engine/gif.js";

// {width, height, frames: [{delay, rgb}]}
function read(bytes) {
  let at = 0;
  const take = (count) => bytes.subarray(at, (at += count));
  const short = () => { const [low, high] = take(2); return low | (high << 8); };
  const blocks = () => {
    const all = [];
    for (let size = take(1)[0]; size; size = take(1)[0]) all.push(...take(size));
    return all;
  };
  assert.equal(String.fromCharCode(...take(6)), "GIF89a");
  const [width, height] = [short(), short()];
  const [flags] = take(3);
  const palette = take(3 * 2 ** ((flags & 7) + 1));
  const frames = [];
  let delay = 0;
  for (;;) {
    const [kind] = take(1);
    if (kind === 0x3b) { assert.equal(at, bytes.length); return { width, height, frames }; }
    if (kind === 0x21) {
      const [label] = take(1);
      const data = blocks();
      if (label === 0xf9) delay = data[1] | (data[2] << 8);
      continue;
    }
    assert.equal(kind, 0x2c);
    assert.deepEqual([short(), short(), short(), short(), take(1)[0]], [0, 0, width, height, 0]);
    const indices = unpacked(take(1)[0], blocks());
    assert.equal(indices.length, width * height);
    frames.push({ delay, rgb: indices.flatMap((index) => [...palette.subarray(3 * index, 3 * index + 3)]) });
  }
}

function unpacked(least, data) {
  const [clear, end] = [1 << least, (1 << least) + 1];
  let table, bits, previous;
  let at = 0;
  const out = [];
  const reset = () => { table = Array.from({ length: end + 1 }, (_, code) => (code < clear ? [code] : [])); bits = least + 1; previous = null; };
  reset();
  for (;;) {
    let code = 0;
    for (let bit = 0; bit < bits; bit++, at++) code |= ((data[at >> 3] >> (at & 7)) & 1) << bit;
    if (code === clear) { reset(); continue; }
    if (code === end) { assert.equal(Math.ceil(at / 8), data.length); return out; }
    assert.ok(code < table.length || (code === table.length && previous), `code ${code} of ${table.length}`);
    const entry = table[code] ?? [...previous, previous[0]];
    out.push(...entry);
    if (previous && table.length < 4096) table.push([...previous, entry[0]]);
    if (table.length === 1 << bits && bits < 12) bits++;
    previous = entry;
  }
}

const coloured = (pixels) => Uint8ClampedArray.from(pixels.flatMap(([r, g, b]) => [r, g, b, 255]));
const without = (rgba) => Array.from(rgba).filter((_, i) => i % 4 !== 3);

function encoded(width, height, frames, delay = 7) {
  const gif = new Gif(width, height, new Palette(frames));
  for (const rgba of frames) gif.add(rgba, delay);
  return gif.end();
}

test("few colours come back as they were, frame by frame", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const noise = Array.from({ length: 3 }, () => coloured(Array.from({ length: 120 * 90 }, () => { const grey = Math.floor(256 * random()); return [grey, grey, grey]; })));
  const found = read(encoded(120, 90, noise));
  assert.deepEqual([found.width, found.height, found.frames.length], [120, 90, 3]);
  found.frames.forEach(({ delay, rgb }, k) => {
    assert.equal(delay, 7);
    assert.deepEqual(rgb, without(noise[k]));
  });
});

test("one pixel, one colour and long repetitions are packed right", () => {
  for (const [width, height] of [[1, 1], [2, 1], [300, 200], [700, 613]]) {
    const flat = coloured(Array.from({ length: width * height }, () => [200, 10, 30]));
    assert.deepEqual(read(encoded(width, height, [flat])).frames[0].rgb, without(flat));
  }
});

test("of many colours each pixel gets one near its own, and the most frequent are exact", () => {
  const pixels = Array.from({ length: 128 * 128 }, (_, i) => (i < 8000 ? [12, 34, 56] : [i % 128, Math.floor(i / 128), 200]));
  const rgb = read(encoded(128, 128, [coloured(pixels)])).frames[0].rgb;
  assert.deepEqual(rgb.slice(0, 3), [12, 34, 56]);
  const worst = Math.max(...pixels.map((pixel, i) => Math.max(...pixel.map((value, channel) => Math.abs(value - rgb[3 * i + channel])))));
  assert.ok(worst > 0 && worst < 24, `off by ${worst}`);
});
