// The training film: loss curves, the latent plane and rebuilt images after each kept epoch. While a run trains it shows
// the newest epoch; afterwards a slider, the keys, a curve or Play go through them. All of it happens here.

import { drawAxes, drawClassNames, drawPoints, drawRings } from "../engine/drawing.js";
import { pageLink, unlike } from "../engine/link.js";
import { still, withPayload } from "../engine/page.js";
import { imageToRgba } from "../engine/pictures.js";
import { View, classMedians } from "../engine/view.js";
import { Curves } from "./curves.js";

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
    this.view = new View(before?.live && header.live ? joined(before.range, header.range) : header.range);
    if (before?.live && header.live) header.range = joined(before.range, header.range);
    this.root.hidden = false;
    this.failed.hidden = true;
    const last = header.frames.length - 1;
    this.slider.max = last;
    this.find(".control").hidden = header.live; // what there is, is the newest epoch
    this.slider.disabled = this.find(".play").disabled = last === 0;
    const stays = before && !before.live && this.index <= last;
    this.index = stays ? this.index : last;
    if (header.live || !before) this.pause();
    this.find(".legend").hidden = !header.curves.panels.length; // no term of the loss is in nats
    this.curves.show(header.curves, header.epochs, header.frames[this.index]);
    this.showOriginals();
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
    this.find(".live").textContent = said ? `Epoch ${epoch}: ${said}, nats per held-out image.` : `Epoch ${epoch}.`;
  }

  // ---- showing --------------------------------------------------------------------------------------------------------

  show() {
    const { header } = this;
    const epoch = header.frames[this.index];
    this.slider.value = this.index;
    this.slider.setAttribute("aria-valuetext", [`epoch ${epoch}`, this.curves.said(epoch)].filter(Boolean).join(": "));
    this.find("output").textContent = `epoch ${epoch} of ${header.epochs}`;
    this.find(".caption").textContent = `${this.classes.length.toLocaleString("en")} held-out images after epoch ${epoch}. Axes: ${header.axes.join(", ")}.`;
    this.find(".plane").setAttribute("aria-label", `Latent plane after epoch ${epoch}`);
    this.drawPlane();
    this.showRebuilt(epoch);
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
    const { header, view, classes } = this;
    const points = this.points.subarray(2 * classes.length * this.index, 2 * classes.length * (this.index + 1));
    const palette = header.labels.map((_, label) => header.palette[label % header.palette.length]);
    drawPoints(context, side, view, points, classes, new Set(), palette);
    if (header.labels.length > 1 && header.labels.length <= MOST_NAMED) {
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
    this.find("canvas.rebuilt").setAttribute("aria-label", `The same images rebuilt after epoch ${epochs[index]}`);
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

  remove() {
    this.pause();
    pageLink.leave(this);
    this.root.remove();
    this.resizes.disconnect();
    this.curves.end();
  }
}

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
  });
}
