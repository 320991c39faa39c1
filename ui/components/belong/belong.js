// Scores of held-out images of two kinds, a threshold between them, and the image of the board among them. All scores but the
// distance to the nearest training image are computed here; that one is the server's, when the pen rests.

import { now } from "../board/now.js";
import { pageLink, rounded, unlike } from "../engine/link.js";
import { element, named, showComponent, takePointer, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { across, drawCurve, drawHistogram, shareAt } from "./charts.js";
import { Ranking, histogram, precision } from "./ranking.js";
import { Scorer } from "./scoring.js";

const BINS = 60;
const USUAL_ALARMS = 0.05; // share of the usual above the threshold at first
const BEYOND = 0.995; // of either kind: what lies above ends in the last bin
const STEP = 1 / 100; // of the histogram's width, with an arrow key; with Shift a fifth of it
const REST_MS = 250;
const instances = new Map(); // mount point -> Belong

class Belong {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".belong");
    this.find = (selector) => this.root.querySelector(selector);
    this.box = this.find(".histogram");
    this.chosen = 0; // of the scores
    this.shares = new Map(); // name of a score -> where its threshold is, as a share of the histogram's width
    this.base = null; // share of odd images; null: that of the held-out ones
    this.moves = new Timings();
    this.listen();
    this.resizes = new ResizeObserver(() => { if (this.payload) this.draw(); });
    this.resizes.observe(this.root);
    this.root.belong = this; // for tests and the browser console
  }

  listen() {
    const { box } = this;
    const put = (event) => {
      const { left, width } = box.getBoundingClientRect();
      this.setShare(shareAt(event.clientX - left, width));
    };
    box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      takePointer(box, event);
      put(event);
    });
    box.addEventListener("pointermove", (event) => { if (box.hasPointerCapture(event.pointerId)) put(event); });
    box.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? STEP / 5 : STEP;
      const to = { ArrowLeft: this.share - step, ArrowDown: this.share - step, ArrowRight: this.share + step, ArrowUp: this.share + step, PageDown: this.share - 10 * step, PageUp: this.share + 10 * step, Home: 0, End: 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.setShare(Math.max(0, Math.min(1, to)));
    });
    this.find(".base").addEventListener("input", (event) => this.setBase(10 ** event.target.valueAsNumber));
  }

  // Before its tensors are here: takes the place that it will need.
  prepare(header) {
    if (this.payload) return;
    this.showFrame(header);
    showComponent(this.root, true);
  }

  showFrame(header) {
    this.header = header;
    const odd = `the digit ${header.left_out}`;
    this.find(".subtitle").textContent = header.subtitle;
    this.find(".usual-name").textContent = "usual digits";
    this.find(".odd-name").textContent = `${odd}, never seen`;
    this.find(".odd-row").textContent = odd;
    this.find(".missed-name").textContent = `The ${header.left_out}s that look most usual to it`;
    this.find(".alarms-name").textContent = "The usual digits that look oddest to it";
    this.find(".scores").replaceChildren(...header.scores.map(({ title }, index) => element("button", { type: "button", textContent: title, onclick: () => this.choose(index) })));
  }

  // A new payload, or the same one with another answer of the server, or the same one again because the page ran again.
  receive(payload, send) {
    this.send = send;
    if (payload.headerText === this.headerText) return;
    const again = this.payload?.header.body.id === payload.header.body.id;
    this.headerText = payload.headerText;
    this.payload = payload;
    if (again) this.header = payload.header;
    else this.build(payload);
    this.take();
  }

  build({ header, tensor }) {
    this.showFrame(header);
    this.scorer = new Scorer({ header, tensor });
    this.odd = tensor("odd");
    this.tiles = tensor("tiles");
    const kept = (name, index) => Array.from(tensor(`${name}_${index}`));
    this.kinds = header.scores.map((score, index) => {
      const values = Array.from(tensor(`score_${index}`));
      const ranking = new Ranking(values, this.odd);
      const ends = [ranking.usual, ranking.odd].map((sorted) => sorted[Math.floor(BEYOND * (sorted.length - 1))]);
      const [low, high] = [Math.min(ranking.usual[0], ranking.odd[0]), Math.max(...ends)];
      return { ...score, values, ranking, low, high, bins: [ranking.usual, ranking.odd].map((of) => histogram(of, low, high, BINS)), missed: kept("missed", index), alarms: kept("alarms", index) };
    });
    this.shares.clear(); // thresholds of another digit's scores
    showComponent(this.root);
    if (this.linking) return;
    this.linking = true;
    pageLink.join(this);
    this.unfollow = now.follow((board, rested) => this.follow(board, rested));
  }

  get kind() { return this.kinds[this.chosen]; }
  get usualShare() {
    const { ranking, low, high } = this.kind;
    return Math.max(0, Math.min(1, (ranking.quantile(1 - USUAL_ALARMS) - low) / (high - low)));
  }
  get share() { return this.shares.get(this.kind.name) ?? this.usualShare; }
  get threshold() { return this.kind.low + this.share * (this.kind.high - this.kind.low); }
  get heldOutBase() { return this.kind.ranking.odd.length / this.kind.values.length; }

  linked() {
    return {
      score: unlike(this.kind.slug, this.kinds[0].slug),
      threshold: this.shares.has(this.kind.name) ? rounded(100 * this.share) : "",
      base: this.base === null ? "" : rounded(100 * this.base),
    };
  }

  restore({ score, threshold, base }) {
    const index = this.kinds.findIndex(({ slug }) => slug === score);
    this.chosen = Math.max(0, index);
    this.shares.clear();
    if (threshold !== undefined) this.shares.set(this.kind.name, threshold / 100);
    this.base = base === undefined ? null : base / 100;
    if (this.pixels !== undefined) this.take();
    else this.show();
  }

  choose(index) {
    this.chosen = index;
    pageLink.changed();
    this.take();
    this.ask();
  }

  setShare(share) {
    this.shares.set(this.kind.name, share);
    pageLink.changed();
    this.show();
  }

  setBase(base) {
    this.base = base;
    pageLink.changed();
    this.show();
  }

  // ---- the image on the board -------------------------------------------------------------------------------------

  follow(board, rested) {
    const began = performance.now();
    this.pixels = board.image;
    this.known = board.known;
    this.take();
    this.moves.note(began);
    if (rested) this.ask();
  }

  // The scores of the image on the board.
  take() {
    const { pixels } = this;
    this.found = pixels && this.scorer && pixels.some((value) => value > 0) ? this.scorer.run(pixels) : null;
    const nearest = this.header.nearest;
    if (this.found && nearest && nearest.of === this.asking()) this.found.nearest = nearest.distance;
    this.show();
  }

  // What the server is asked: the place of an untouched held-out digit, or the drawing's bytes.
  asking() {
    if (!this.pixels) return "";
    if (this.known) return String(this.known.number);
    return btoa(String.fromCharCode(...Uint8Array.from(this.pixels, (value) => Math.round(255 * value))));
  }

  ask() {
    clearTimeout(this.waiting);
    if (this.kind.live || !this.found) return;
    const asking = this.asking();
    if (this.header.nearest?.of === asking) return;
    this.waiting = setTimeout(() => this.send("resting", asking), REST_MS);
  }

  // ---- what is on screen ------------------------------------------------------------------------------------------

  show() {
    const { kind, header, threshold, found } = this;
    this.find(".scores").childNodes.forEach((button, index) => button.setAttribute("aria-pressed", String(index === this.chosen)));
    this.find(".what").textContent = `Score: ${kind.what}. Higher is odder.`;
    const { hit, miss, alarm, pass } = (this.counts = kind.ranking.at(threshold));
    for (const [name, count] of Object.entries(this.counts)) this.find(`.${name}`).textContent = count.toLocaleString("en");
    const [recall, alarms] = [hit / (hit + miss), alarm / (alarm + pass)];
    const base = this.base ?? this.heldOutBase;
    const right = precision(recall, alarms, base);
    this.find(".recall").textContent = percent(recall);
    this.find(".false").textContent = percent(alarms);
    this.find(".precision").textContent = Number.isNaN(right) ? "none called odd" : percent(right);
    this.find(".base").value = String(Math.log10(base));
    this.find(".base").setAttribute("aria-valuetext", `${percent(base)} odd`);
    this.find(".base-text").textContent = percent(base);
    this.find(".base-told").textContent = Number.isNaN(right)
      ? "Nothing lies above the threshold."
      : `Of ${(1000).toLocaleString("en")} images ${wholeOr(1000 * base)} would be odd, and ${wholeOr(1000 * (base * recall + (1 - base) * alarms))} would be called so, ${wholeOr(1000 * base * recall)} of them rightly.`;
    const score = found?.[kind.name];
    this.mark = score === undefined ? null : score;
    this.find(".told").textContent = this.tell(score, threshold);
    this.box.setAttribute("aria-valuemin", short(kind.low));
    this.box.setAttribute("aria-valuemax", short(kind.high));
    this.box.setAttribute("aria-valuenow", short(threshold));
    this.box.setAttribute("aria-valuetext", `${short(threshold)}${kind.unit ? ` ${kind.unit}` : ""}: ${percent(recall)} of the ${header.left_out}s and ${percent(alarms)} of the usual digits are called odd`);
    this.results = { recall, alarms, base, precision: right, auroc: kind.ranking.auroc, averagePrecision: kind.ranking.averagePrecision(base) };
    const { auroc, averagePrecision } = this.results;
    this.find(".roc-name").textContent = `ROC: AUROC ${auroc.toFixed(3)}`;
    this.find(".pr-name").textContent = `Precision–recall: average precision ${averagePrecision.toFixed(3)}, by chance ${base.toFixed(3)}`;
    named(this.find(".roc"), `ROC curve: recall against false alarms. AUROC ${auroc.toFixed(3)}; at the threshold recall ${percent(recall)}, false alarms ${percent(alarms)}.`);
    named(this.find(".pr"), `Precision against recall at a base rate of ${percent(base)}. Average precision ${averagePrecision.toFixed(3)}; at the threshold recall ${percent(recall)}.`);
    this.showTiles(threshold);
    this.draw();
  }

  tell(score, threshold) {
    const { kind, header } = this;
    if (!this.found) return "Draw a digit on the board, or take one: it is marked in the histogram.";
    if (score === undefined) return "The distance of this image is measured when the pen rests.";
    const above = kind.ranking.at(score);
    const odder = `odder than ${percent(above.pass / kind.ranking.usual.length)} of the usual digits`;
    const from = !kind.live && header.reference ? ` ${header.reference}` : "";
    return `The image on the board: ${short(score)}${kind.unit ? ` ${kind.unit}` : ""}, ${odder}. It is called ${score >= threshold ? "odd" : "usual"}.${from}`;
  }

  showTiles(threshold) {
    const { kind, header: { image, tile_labels: labels, tile_numbers: numbers } } = this;
    const size = image.height * image.width;
    const asked = `${this.headerText} ${kind.name} ${threshold}`;
    if (asked === this.tiled) return; // the pen moved, no more
    this.tiled = asked;
    for (const name of ["missed", "alarms"]) {
      const wrong = (score) => (score < threshold) === (name === "missed");
      const tiles = kind[name].map((tile) => {
        const score = kind.values[numbers[tile]];
        const canvas = document.createElement("canvas");
        const picture = new Picture(canvas, image);
        picture.show(Float32Array.from(this.tiles.subarray(tile * size, (tile + 1) * size), (value) => value / 255));
        canvas.className = wrong(score) ? "" : "right";
        canvas.title = `${labels[tile]}: ${short(score)}${kind.unit ? ` ${kind.unit}` : ""}`;
        return named(canvas, `A ${labels[tile]}, score ${short(score)}, called ${score >= threshold ? "odd" : "usual"}`);
      });
      this.find(`.${name}.tiles`).replaceChildren(...tiles);
    }
  }

  draw() {
    const { kind, threshold, mark, results } = this;
    if (!results) return;
    const [usual, odd] = kind.bins;
    drawHistogram(this.find(".histogram canvas"), { usual, odd, low: kind.low, high: kind.high, threshold, mark, unit: kind.unit });
    const { steps } = kind.ranking;
    const roc = [[0, 0], ...steps.map(({ recall, alarms }) => [alarms, recall]), [1, 1]];
    const pr = steps.map(({ recall, alarms }) => [recall, precision(recall, alarms, results.base)]);
    drawCurve(this.find(".roc"), roc, [results.alarms, results.recall], { across: "false alarms", up: "recall", chance: null });
    drawCurve(this.find(".pr"), pr, [results.recall, results.precision], { across: "recall", up: "precision", chance: results.base });
  }

  // For tests: what is on screen, in numbers; and where the threshold is on the histogram, in CSS pixels.
  state() {
    const scores = this.found ? Object.fromEntries(Object.entries(this.found).filter(([name]) => name !== "rebuilt")) : null;
    return { score: this.kind.name, threshold: this.threshold, counts: this.counts, ...this.results, scores, mark: this.mark, x: across(this.share, this.box.clientWidth) };
  }

  end() {
    clearTimeout(this.waiting);
    this.unfollow?.();
    pageLink.leave(this);
    this.resizes.disconnect();
    this.root.remove();
  }
}

const short = (value) => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 4;
  return value.toFixed(digits).replace("-", "−");
};
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;
const wholeOr = (value) => (value >= 10 ? value.toFixed(0) : value.toFixed(1));

export default function (call) {
  const { parentElement, setStateValue } = call;
  const here = () => {
    if (!instances.has(parentElement)) instances.set(parentElement, new Belong(parentElement));
    return instances.get(parentElement);
  };
  return withPayload(call, "histogram", (payload) => here().receive(payload, setStateValue), () => {
    instances.get(parentElement)?.end();
    instances.delete(parentElement);
  }, { before: (header) => here().prepare(header) });
}
