// An animated GIF: RGBA frames with one palette, each packed by LZW. Knows neither the page nor a canvas.

const COLOURS = 256;
const CLEAR = 256; // code that empties the decoder's table
const END = 257;
const MOST_CODES = 4096;
const LARGEST_BLOCK = 255; // bytes

// The colours of some frames: as they are if there are at most 256, else the most frequent of 32 levels a channel.
export class Palette {
  // frames: RGBA bytes; of many, a few that are unlike suffice.
  constructor(frames) {
    this.known = new Map(); // colour 0xRRGGBB -> its index
    this.colours = exact(frames) ?? frequent(frames);
    this.colours.forEach((colour, index) => this.known.set(colour, index));
  }

  // Index of the nearest colour for each pixel.
  indices(rgba) {
    const found = new Uint8Array(rgba.length / 4);
    for (let i = 0; i < found.length; i++) {
      const colour = (rgba[4 * i] << 16) | (rgba[4 * i + 1] << 8) | rgba[4 * i + 2];
      let index = this.known.get(colour);
      if (index === undefined) this.known.set(colour, (index = this.nearest(colour)));
      found[i] = index;
    }
    return found;
  }

  nearest(colour) {
    let best = 0;
    let least = Infinity;
    this.colours.forEach((other, index) => {
      const distance = squared(colour >> 16, other >> 16) + squared((colour >> 8) & 255, (other >> 8) & 255) + squared(colour & 255, other & 255);
      if (distance < least) { least = distance; best = index; }
    });
    return best;
  }
}

const squared = (a, b) => (a - b) ** 2;

function exact(frames) {
  const colours = new Set();
  for (const rgba of frames) {
    for (let i = 0; i < rgba.length; i += 4) {
      colours.add((rgba[i] << 16) | (rgba[i + 1] << 8) | rgba[i + 2]);
      if (colours.size > COLOURS) return null;
    }
  }
  return [...colours];
}

function frequent(frames) {
  const sums = new Float64Array(4 * 32768); // count, then the sum of each channel, by the leading 5 bits of all three
  for (const rgba of frames) {
    for (let i = 0; i < rgba.length; i += 4) {
      const bin = 4 * (((rgba[i] >> 3) << 10) | ((rgba[i + 1] >> 3) << 5) | (rgba[i + 2] >> 3));
      sums[bin] += 1;
      for (let channel = 0; channel < 3; channel++) sums[bin + 1 + channel] += rgba[i + channel];
    }
  }
  const bins = [];
  for (let bin = 0; bin < sums.length; bin += 4) if (sums[bin]) bins.push(bin);
  bins.sort((a, b) => sums[b] - sums[a]);
  return bins.slice(0, COLOURS).map((bin) => {
    const [r, g, b] = [1, 2, 3].map((channel) => Math.round(sums[bin + channel] / sums[bin]));
    return (r << 16) | (g << 8) | b;
  });
}

export class Gif {
  width;
  height;
  palette;

  // frames are added one by one: packing many takes a second or two, and the page goes on between them.
  constructor(width, height, palette) {
    Object.assign(this, { width, height, palette });
    this.out = new Bytes();
    this.out.text("GIF89a");
    this.out.short(width, height);
    this.out.add(0xf7, 0, 0); // a palette of 256 colours follows
    for (let i = 0; i < COLOURS; i++) {
      const colour = palette.colours[i] ?? 0;
      this.out.add(colour >> 16, (colour >> 8) & 255, colour & 255);
    }
    this.out.add(0x21, 0xff, 11);
    this.out.text("NETSCAPE2.0");
    this.out.add(3, 1, 0, 0, 0); // again and again
  }

  // rgba: of width × height pixels, opaque; delay: how long it is shown, in hundredths of a second.
  add(rgba, delay) {
    this.out.add(0x21, 0xf9, 4, 4);
    this.out.short(delay);
    this.out.add(0, 0, 0x2c);
    this.out.short(0, 0, this.width, this.height);
    this.out.add(0, 8);
    packed(this.palette.indices(rgba), this.out);
  }

  get size() { return this.out.size; }

  // The whole file.
  end() {
    this.out.add(0x3b);
    return this.out.bytes.slice(0, this.out.size);
  }
}

// LZW of 8-bit indices, in blocks, with codes of 9 to 12 bits.
function packed(indices, out) {
  const table = new Uint16Array(MOST_CODES << 8); // prefix and next index -> their code; 0 for none
  const block = [];
  let bits = 9;
  let next = END + 1;
  let held = 0; // bits not yet written
  let count = 0;
  const flush = () => { out.add(block.length, ...block); block.length = 0; };
  const write = (code) => {
    held |= code << count;
    for (count += bits; count >= 8; count -= 8, held >>>= 8) {
      block.push(held & 255);
      if (block.length === LARGEST_BLOCK) flush();
    }
  };
  write(CLEAR);
  let prefix = indices[0];
  for (let i = 1; i < indices.length; i++) {
    const slot = (prefix << 8) | indices[i];
    if (table[slot]) { prefix = table[slot]; continue; }
    write(prefix);
    if (next >= 1 << bits && bits < 12) bits++; // the decoder knows one code less
    if (next < MOST_CODES) table[slot] = next++;
    else {
      write(CLEAR);
      table.fill(0);
      bits = 9;
      next = END + 1;
    }
    prefix = indices[i];
  }
  write(prefix);
  if (next >= 1 << bits && bits < 12) bits++;
  write(END);
  if (count) block.push(held & 255);
  if (block.length) flush();
  out.add(0);
}

class Bytes {
  bytes = new Uint8Array(1 << 16);
  size = 0;

  add(...values) {
    if (this.size + values.length > this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(values, this.size);
    this.size += values.length;
  }

  short(...values) { for (const value of values) this.add(value & 255, value >> 8); }
  text(text) { this.add(...Array.from(text, (letter) => letter.charCodeAt(0))); }
}
