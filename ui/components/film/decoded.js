// What the decoder made after each kept epoch: a grid over the plane and samples of the prior, tiles of one picture for
// each epoch. The pictures are unpacked when they are first looked at.

const OPACITY = 0.42; // of the grid behind the codes, as in plane.css
const SAMPLE_ROWS = 2;

export class DecodedPictures {
  epochs;
  edges;
  side;
  samples;
  image;

  // arrived(): a picture that was asked for can be drawn now.
  constructor(arrived) {
    this.arrived = arrived;
    this.bitmaps = new Map(); // epoch -> ImageBitmap
    this.files = new Map(); // epoch -> bytes, of those not unpacked yet
  }

  // Another payload: of the same run the pictures that were seen are kept.
  update({ header, tensor }, sameRun) {
    if (!sameRun) this.bitmaps.clear();
    const { decoded_epochs: epochs, decoded_edges: edges, decoded_side: side, samples, image } = header;
    Object.assign(this, { epochs, edges, side, samples, image });
    this.files = new Map(epochs.map((epoch) => [epoch, tensor(`decoded/${epoch}`)]));
    // The last of a run's pictures is made anew of what is stored: it replaces the one that was sent during training.
    this.bitmaps.delete(epochs.at(-1));
  }

  // The last epoch up to `epoch` that has a picture; undefined if there is none.
  upTo(epoch) { return this.epochs.findLast((one) => one <= epoch); }

  // The bitmap of an epoch, or null while it is unpacked.
  bitmap(epoch) {
    if (!this.bitmaps.has(epoch)) {
      this.bitmaps.set(epoch, null);
      void this.unpack(epoch).then(this.arrived);
    }
    return this.bitmaps.get(epoch);
  }

  async unpack(epoch) {
    const bitmap = await createImageBitmap(new Blob([this.files.get(epoch)], { type: "image/webp" }));
    this.bitmaps.set(epoch, bitmap);
  }

  // Unpacks all that is there, for who needs one after the other at once.
  async all() {
    await Promise.all(this.epochs.filter((epoch) => !this.bitmaps.get(epoch)).map((epoch) => this.unpack(epoch)));
  }

  drawGrid(context, side, view, epoch) {
    const at = this.upTo(epoch);
    const edges = this.edges[this.epochs.indexOf(at)];
    if (!edges) return;
    const bitmap = this.bitmap(at);
    if (!bitmap) return;
    const [left, top] = view.toPlane(edges[0], edges[3]);
    const [right, bottom] = view.toPlane(edges[1], edges[2]);
    context.globalAlpha = OPACITY;
    context.drawImage(
      bitmap, 0, 0, this.side * this.image.width, this.side * this.image.height,
      left * side, top * side, (right - left) * side, (bottom - top) * side,
    );
    context.globalAlpha = 1;
  }

  // The size of the samples in their own pixels, in two rows: [width, height].
  samplesSize() { return [(this.samples / SAMPLE_ROWS) * (this.image.width + 1) - 1, SAMPLE_ROWS * (this.image.height + 1) - 1]; }

  // Draws the samples up to an epoch into `context`, of the size above; says of which epoch they are, if there are some.
  drawSamples(context, epoch) {
    const [wide, high] = this.samplesSize();
    const at = this.upTo(epoch);
    const bitmap = at !== undefined && this.bitmap(at);
    if (bitmap === null) return at; // the ones before stay until these are unpacked
    context.clearRect(0, 0, wide, high);
    if (!bitmap) return undefined;
    const { width, height } = this.image;
    const columns = this.samples / SAMPLE_ROWS;
    for (let k = 0; k < this.samples; k++) {
      const tile = this.side * this.side + k;
      context.drawImage(
        bitmap, (tile % this.side) * width, Math.floor(tile / this.side) * height, width, height,
        (k % columns) * (width + 1), Math.floor(k / columns) * (height + 1), width, height,
      );
    }
    return at;
  }
}
