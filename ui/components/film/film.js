// The training film: loss curves, the latent plane with what it decodes to, rebuilt images and samples after each kept
// epoch. While a run trains it shows the newest epoch, first of all the untrained network; afterwards a slider, the keys,
// a curve or Play go through them. All of it happens here.

import { drawAxes, drawClassNames, drawPictures, drawPoints, drawRings } from "../engine/drawing.js";
import { pageLink, unlike } from "../engine/link.js";
import { save, still, withPayload } from "../engine/page.js";
import { imageToRgba } from "../engine/pictures.js";
import { onThumbnails, receiveThumbnails, sheets } from "../engine/thumbnails.js";
import { View, classMedians } from "../engine/view.js";
import { Curves } from "./curves.js";
import { DecodedPictures } from "./decoded.js";
import { movingPicture } from "./moving.js";

const FRAME_MS = 130;
const STILL_FRAME_MS = 500; // where motion is unwelcome

const films = new Map(); // mount point -> TrainingFilm

class TrainingFilm {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".training-film");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.slider = this.find("input");
    this.plane = this.find(".plane canvas");
    this.curves = new Curves(this.find(".curves"), (epoch) => this.choose(epoch));
    this.slider.addEventListener("input", () => { this.pause(); this.go(this.slider.valueAsNumber); });
    this.slider.addEventListener("change", () => this.say());
    this.find(".play").onclick = () => (this.timer ? this.pause() : this.play());
    this.decoded = new DecodedPictures(() => { if (this.header) this.showEpoch(); });
    this.find(".gif").onclick = () => this.saveMoving();
    this.find(".as-images").onclick = () => { this.showImages(!this.asImages); this.drawPlane(); };
    onThumbnails((name) => { if (this.header?.images === name) { this.offerImages(); this.drawPlane(); } });
    this.resizes = new ResizeObserver(() => this.drawPlane());
    this.resizes.observe(this.find(".plane"));
    this.root.trainingFilm = this; // for tests and the browser console
  }

  // A new payload, or the same one again because the page ran again.
  update(payload) {
    if (payload.headerText === this.headerText) return;
    const { header, tensor } = payload;
    const before = this.header?.key === header.key ? this.header : null;
    this.headerText = payload.headerText;
    this.header = header;
    this.points = tensor("points");
    this.classes = tensor("classes");
    this.originals = header.count ? tensor("originals") : null;
    this.rebuilt = header.count ? tensor("rebuilt") : null;
    this.decoded.update(payload, Boolean(before));
    if (before?.live && before.frames.length && header.live) header.range = joined(before.range, header.range);
    this.view = new View(header.range);
    this.root.hidden = false;
    this.failed.hidden = true;
    const last = header.frames.length - 1;
    // While it trains, what there is, is the newest epoch: the slider then tells how far it has come.
    this.slider.max = header.live ? header.epochs : last;
    this.slider.disabled = this.find(".play").disabled = header.live || last === 0;
    this.find(".gif").disabled = header.live;
    // Codes that are entries of a codebook: no plane, and no moving picture of it.
    this.find(".board").classList.toggle("without-plane", !header.plane);
    this.find(".touch").hidden = this.find(".gif").hidden = !header.plane;
    const stays = before && !before.live && this.index <= last;
    this.index = stays ? this.index : last;
    if (header.live || !before) this.pause();
    this.find(".legend").hidden = !header.curves.panels.length; // no term of the loss is in nats
    this.find(".unit").textContent = header.curves.panels.some(({ unit }) => unit) ? "nats per image, unless another unit is named" : "nats per image";
    this.curves.show(header.curves, header.epochs, header.frames[this.index] ?? 0);
    this.showOriginals();
    this.sizeSamples();
    this.offerImages();
    this.show();
    if (!this.linking && !header.live) {
      this.linking = true;
      pageLink.join(this);
    }
  }

  linked() {
    const { frames } = this.header;
    return { epoch: unlike(frames[this.index], frames.at(-1)) };
  }

  usual() { return { epoch: this.header.frames.at(-1) }; }
  restore({ epoch }) { this.choose(epoch); }

  // ---- going elsewhere ------------------------------------------------------------------------------------------------

  choose(epoch) {
    if (this.header.live) return;
    this.pause();
    const { frames } = this.header;
    this.go(frames.reduce((best, frame, index) => (Math.abs(frame - epoch) < Math.abs(frames[best] - epoch) ? index : best), 0));
  }

  go(index) {
    this.index = Math.min(Math.max(index, 0), this.header.frames.length - 1);
    this.curves.mark(this.header.frames[this.index]);
    this.show();
    pageLink.changed();
  }

  play() {
    const last = this.header.frames.length - 1;
    if (this.index === last) this.go(0);
    this.timer = setInterval(() => {
      if (this.index < last) this.go(this.index + 1);
      if (this.index === last) { this.pause(); this.say(); }
    }, still() ? STILL_FRAME_MS : FRAME_MS);
    this.showPlaying();
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.showPlaying();
  }

  showPlaying() {
    const button = this.find(".play");
    button.setAttribute("aria-pressed", String(Boolean(this.timer)));
    button.textContent = this.timer ? "Pause" : "Play";
  }

  say() {
    const epoch = this.header.frames[this.index];
    const said = this.curves.said(epoch);
    this.find(".live").textContent = said ? `Epoch ${epoch}: ${said}${this.curves.mixed ? "" : ", nats per held-out image"}.` : `Epoch ${epoch}.`;
  }

  // ---- showing --------------------------------------------------------------------------------------------------------

  show() {
    const { header } = this;
    if (!header.frames.length) { this.showWaiting(); return; }
    const epoch = header.frames[this.index];
    this.slider.value = header.live ? epoch : this.index;
    this.slider.setAttribute("aria-valuetext", [`epoch ${epoch}`, this.curves.said(epoch)].filter(Boolean).join(": "));
    this.find("output").textContent = epoch ? `epoch ${epoch} of ${header.epochs}` : "before training";
    this.find(".caption").textContent = `${this.classes.length.toLocaleString("en")} held-out images ${when(epoch)}. Axes: ${header.axes.join(", ")}.`;
    this.find(".plane").setAttribute("aria-label", `Latent plane ${when(epoch)}`);
    this.showEpoch();
    this.showRebuilt(epoch);
  }

  // A run that has not begun: its images, and an empty plane.
  showWaiting() {
    this.slider.value = 0;
    this.find("output").textContent = this.header.waiting;
    this.find(".caption").textContent = "The first picture is the untrained network's.";
    this.find(".plane").setAttribute("aria-label", "Latent plane, still empty");
    for (const selector of ["canvas.rebuilt", ".samples canvas"]) this.find(selector).setAttribute("aria-label", "Nothing yet");
    this.drawPlane();
  }

  // What needs the decoded pictures, which may come a moment later.
  showEpoch() {
    this.drawPlane();
    if (!this.header.samples || !this.header.frames.length) return;
    const epoch = this.header.frames[this.index];
    const canvas = this.find(".samples canvas");
    const at = this.decoded.drawSamples(canvas.getContext("2d"), epoch);
    canvas.setAttribute("aria-label", at === undefined ? "No samples were kept of this epoch" : `${this.header.samples} samples ${when(at)}, of the same codes each time`);
  }

  sizeSamples() {
    this.find(".samples").hidden = !this.header.samples;
    if (!this.header.samples) return;
    const canvas = this.find(".samples canvas");
    const [width, height] = this.decoded.samplesSize();
    if (canvas.width === width && canvas.height === height) return;
    Object.assign(canvas, { width, height });
    canvas.style.aspectRatio = `${width} / ${height}`;
  }

  // ---- the images themselves as points --------------------------------------------------------------------------------

  // Once they are here; at first without classes, whose dots would all look alike.
  offerImages() {
    const button = this.find(".as-images");
    button.hidden = !sheets.get(this.header.images);
    if (button.hidden || this.offered === this.header.key) return;
    this.offered = this.header.key;
    this.showImages(this.header.labels.length < 2);
  }

  showImages(shown) {
    this.asImages = shown;
    this.find(".as-images").setAttribute("aria-pressed", String(shown));
  }

  drawPlane() {
    const side = this.plane.parentElement.clientWidth;
    if (!side || !this.header) return;
    const ratio = window.devicePixelRatio || 1;
    const pixels = Math.round(side * ratio);
    if (this.plane.width !== pixels) this.plane.width = this.plane.height = pixels;
    const context = this.plane.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, side, side);
    this.paintPlane(context, side, this.index);
  }

  paintPlane(context, side, index) {
    const { header, view, classes } = this;
    if (!header.frames.length) {
      drawRings(context, side, view, header.rings);
      return;
    }
    this.decoded.drawGrid(context, side, view, header.frames[index]);
    const points = this.points.subarray(2 * classes.length * index, 2 * classes.length * (index + 1));
    const palette = header.labels.map((_, label) => header.palette[label % header.palette.length]);
    if (this.asImages) drawPictures(context, side, view, points, sheets.get(header.images), header.image);
    else drawPoints(context, side, view, points, classes, new Set(), palette);
    if (!this.asImages && header.labels.length > 1 && header.labels.length <= MOST_NAMED) {
      drawClassNames(context, side, view, classMedians(points, classes, header.labels.length), header.labels, new Set(), palette);
    }
    drawRings(context, side, view, header.rings);
    drawAxes(context, side, view, header.axes);
  }

  showOriginals() {
    const { header } = this;
    this.find(".pictures").hidden = !header.count;
    if (!header.count) return;
    for (const name of ["originals", "rebuilt"]) {
      const canvas = this.find(`canvas.${name}`);
      const width = header.count * (header.image.width + 1) - 1;
      if (canvas.width !== width || canvas.height !== header.image.height) {
        Object.assign(canvas, { width, height: header.image.height });
        canvas.style.aspectRatio = `${width} / ${header.image.height}`;
      }
    }
    this.paint("originals", this.originals, 0);
  }

  // The pictures of the last epoch that has some, up to this one.
  showRebuilt(epoch) {
    const { rebuilt_epochs: epochs, count, image } = this.header;
    if (!count) return;
    let index = 0;
    while (index + 1 < epochs.length && epochs[index + 1] <= epoch) index++;
    this.paint("rebuilt", this.rebuilt, index * count * image.channels * image.height * image.width);
    this.find("canvas.rebuilt").setAttribute("aria-label", `The same images rebuilt ${when(epochs[index])}`);
  }

  paint(name, bytes, start) {
    const { image, count } = this.header;
    const size = image.channels * image.height * image.width;
    const context = this.find(`canvas.${name}`).getContext("2d");
    const data = context.createImageData(image.width, image.height);
    for (let i = 0; i < count; i++) {
      const values = Float32Array.from(bytes.subarray(start + i * size, start + (i + 1) * size), (byte) => byte / 255);
      imageToRgba(values, 0, image, data.data);
      context.putImageData(data, i * (image.width + 1), 0);
    }
  }

  // ---- to take away ---------------------------------------------------------------------------------------------------

  async saveMoving() {
    const { header, decoded } = this;
    const button = this.find(".gif");
    button.disabled = true;
    button.textContent = "Saving …";
    await decoded.all();
    const bytes = await movingPicture({
      frames: header.frames,
      title: (index) => `${header.key.replace(/-[^-]*$/, "")}, epoch ${header.frames[index]} of ${header.epochs}`,
      drawPlane: (context, side, index) => this.paintPlane(context, side, index),
      drawSamples: header.samples ? (context, index) => decoded.drawSamples(context, header.frames[index]) : null,
      samplesSize: header.samples ? decoded.samplesSize() : null,
    });
    save(new Blob([bytes], { type: "image/gif" }), `${header.key}-training.gif`);
    button.textContent = "Save as GIF";
    button.disabled = this.header.live;
    this.find(".live").textContent = "Saved.";
  }

  remove() {
    this.pause();
    pageLink.leave(this);
    this.root.remove();
    this.resizes.disconnect();
    this.curves.end();
  }
}

const when = (epoch) => (epoch ? `after epoch ${epoch}` : "before training");

const MOST_NAMED = 20; // classes whose names have room on a plane

// The smallest square around two: while a run trains its axes only grow.
function joined(a, b) {
  const centre = { x: 0, y: 0 };
  let half = 0;
  for (const axis of ["x", "y"]) {
    const [low, high] = [Math.min(a[axis][0], b[axis][0]), Math.max(a[axis][1], b[axis][1])];
    centre[axis] = (low + high) / 2;
    half = Math.max(half, (high - low) / 2);
  }
  return { x: [centre.x - half, centre.x + half], y: [centre.y - half, centre.y + half] };
}

export default function (component) {
  const { parentElement } = component;
  return withPayload(component, "film", (payload) => {
    let film = films.get(parentElement);
    if (!film) films.set(parentElement, (film = new TrainingFilm(parentElement)));
    film.update(payload);
  }, () => {
    films.get(parentElement)?.remove();
    films.delete(parentElement);
  }, { later: receiveThumbnails });
}
