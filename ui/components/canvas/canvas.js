// The latent canvas: a plane of latent space that decodes under the pointer. All touch happens here; Python hears
// of pins, paths and views only when the visitor commits (click, pointer-up), and only where the page asks for it.

import { Heat } from "../engine/heat.js";
import { Decoder, expectLength } from "../engine/interpreter.js";
import { pageLink, rounded } from "../engine/link.js";
import { element, forgetPayload, named, showFailure, still, withPayload } from "../engine/page.js";
import { FONT, Manifold, PLANE, Picture, drawAxes, drawClassNames, drawPoints, drawPosterior, drawRings, fitToPlane, slices } from "../engine/paint.js";
import { onThumbnails, receiveThumbnails, sheets } from "../engine/thumbnails.js";
import { View, alongPath, classMedians, lensPlace, nearestPoint, signed } from "../engine/view.js";

const FILM_FRAMES = 12;
const MAX_PINS = 8;
const CLICK_SLACK = 5; // CSS pixels a click may wander before it is a drag
const KEY_STEP = 1 / 40; // of the view's width
const BOX_KEPT_MS = 250;

const linked = new Map(); // group name -> canvases whose digits are the same
const live = new Set(); // every canvas on the page
const instances = new WeakMap(); // mount point -> LatentCanvas

class LatentCanvas {
  constructor(parent) {
    // Built on demand: the mount that only brings thumbnails stays empty.
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".latent-canvas");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.plane = this.find(".plane");
    this.contexts = { points: this.find("canvas.points").getContext("2d"), marks: this.find("canvas.marks").getContext("2d") };
    this.pointers = new Map();
    this.moves = { count: 0, milliseconds: new Float64Array(4096) };
    this.listen();
    live.add(this);
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.plane);
    this.plane.latentCanvas = this; // for tests and the browser console
  }

  // A new payload, or the same one again because the page ran again.
  update(payload, setStateValue) {
    this.send = setStateValue;
    if (payload.headerText === this.headerText) return;
    // Pins and view belong to a run and a plane through its codes.
    const which = ({ key, plane_origin: origin, plane_axes: axes }) => JSON.stringify([key, origin, axes]);
    const sameRun = this.header && which(this.header) === which(payload.header);
    this.headerText = payload.headerText;
    this.header = payload.header;
    this.options = payload.header.options ?? {};
    this.decoder = new Decoder(payload);
    this.image = this.header.image;
    this.classes = payload.tensor("classes");
    const count = this.classes.length;
    this.xy = expectLength("points", payload.tensor("points"), 2 * count);
    this.posteriors = this.header.tensors.posteriors
      ? expectLength("posteriors", payload.tensor("posteriors"), 3 * count) : null;
    this.centres = classMedians(this.xy, this.classes, this.header.labels.length);
    if (!sameRun) {
      this.hidden = new Set();
      this.pins = [];
      this.path = [];
      this.focus = -1;
      this.view = new View(this.header.range);
      this.heatShown = Boolean(this.options.heat);
      if (this.options.view) this.view.set(this.options.view);
      for (const [x, y] of this.options.pins ?? []) this.pins.push(this.makePin(x, y));
    }
    this.join(this.options.group);
    if (!this.linking && this.options.link !== undefined) {
      this.linking = true;
      pageLink.join(this);
    } else if (!sameRun) pageLink.changed();
    this.showAll();
  }

  // What the link says of this plane, under names that begin with the payload's option `link`. Of pins and view the page
  // itself hears where they are committed.
  linked() {
    const { link, commit } = this.options;
    const { cx, cy, half } = this.view.get();
    const square = (values) => values.map(rounded).join(",");
    const { home } = this.view;
    const seen = square([cx, cy, half]);
    return {
      ...(commit ? {} : {
        [`${link}z`]: this.pins.map(({ x, y }) => square([x, y])).join(";"),
        [`${link}view`]: seen === square([home.cx, home.cy, home.half]) ? "" : seen,
      }),
      [`${link}off`]: [...this.hidden].sort((one, other) => one - other).join(","),
      [`${link}heat`]: this.heatShown ? "1" : "",
    };
  }

  restore(values) {
    const { link } = this.options;
    const of = (name) => values[`${link}${name}`];
    this.hidden = new Set((of("off") ?? []).filter((label) => label < this.header.labels.length));
    if (of("view")) this.view.set(of("view"));
    if (of("z")) this.pins = of("z").map(([x, y]) => this.makePin(x, y));
    this.heatShown = of("heat") ?? this.heatShown;
    if (this.at) this.showAll(); // it was on screen before its link was known
  }

  showAll() {
    this.build();
    this.showLayer("heat", this.heatShown);
    const start = this.pins.at(-1) ?? { x: this.view.cx, y: this.view.cy };
    this.decodeAt(start.x, start.y);
    this.failed.hidden = true;
    this.root.hidden = false;
    this.resize(true);
  }

  join(group) {
    this.leave();
    if (!group) return;
    this.group = group;
    if (!linked.has(group)) linked.set(group, new Set());
    linked.get(group).add(this);
  }

  leave() {
    linked.get(this.group)?.delete(this);
    this.group = undefined;
  }

  // The other canvases of the group, whatever they show.
  companions() { return [...(linked.get(this.group) ?? [])].filter((canvas) => canvas !== this); }

  // Those of them that show the very same images.
  others() {
    return this.companions().filter((canvas) =>
      canvas.options.images === this.options.images && canvas.classes.length === this.classes.length);
  }

  // ---- building the parts that depend on the payload ----------------------------------------------------------

  build() {
    const { header, options } = this;
    this.find(".title").textContent = header.title ?? header.key;
    this.find(".subtitle").textContent = header.subtitle ?? "";
    this.plane.setAttribute("aria-label", `${header.title ?? header.key}. Arrow keys move a crosshair that decodes, Shift makes `
      + "small steps, Enter pins, Backspace removes the last pin, P begins a path and ends it, plus and minus zoom, 0 shows all, Escape clears.");
    this.noun = header.noun ?? "image";
    this.find(".nearest-name").textContent = `nearest ${this.noun}`;
    this.find(".export").hidden = !options.export;
    this.find(".pins").hidden = Boolean(options.compact);
    this.pictures = Object.fromEntries(["decoded", "original", "rebuilt"].map((name) =>
      [name, new Picture(this.find(`.${name}`), this.image)]));
    this.lens = new Picture(this.find(".lens canvas"), this.image);
    this.find(".rebuilt").closest("figure").hidden = Boolean(options.compact);
    this.endFills();
    this.manifold = new Manifold(this.find("canvas.manifold"), this.decoder, this.image);
    this.heat = new Heat(this.find("canvas.heat"));
    this.find(".heat-share").textContent = `${Number((100 * header.empty_share).toFixed(1))}%`;
    this.find(".legend").replaceChildren(...header.labels.map((name, label) => this.legendButton(name, label)));
    this.showPins();
    this.showFilm();
  }

  legendButton(name, label) {
    const dot = element("i");
    dot.style.background = this.colour(label);
    const button = element("button", { type: "button", title: "Click to hide or show; Shift and click for this one only" }, dot, name);
    button.setAttribute("aria-pressed", String(!this.hidden.has(label)));
    button.onclick = (event) => this.toggleClass(label, event.shiftKey);
    return button;
  }

  colour(label) { return this.header.palette[label % this.header.palette.length]; }

  toggleClass(label, alone, tell = true) {
    const all = this.header.labels.map((_, index) => index);
    if (alone) this.hidden = new Set(this.hidden.size === all.length - 1 && !this.hidden.has(label) ? [] : all.filter((l) => l !== label));
    else if (!this.hidden.delete(label)) this.hidden.add(label);
    [...this.find(".legend").children].forEach((button, index) =>
      button.setAttribute("aria-pressed", String(!this.hidden.has(index))));
    this.drawPoints();
    this.fillHeat();
    if (tell) this.others().forEach((canvas) => canvas.toggleClass(label, alone, false));
    pageLink.changed();
  }

  // ---- what is at a place ---------------------------------------------------------------------------------------

  // The visitor is at (x, y): decode, and let what depends on the nearest image follow.
  touch(x, y) {
    const before = this.focus;
    this.decodeAt(x, y);
    if (this.focus !== before) this.later();
  }

  // Decodes (x, y) and shows it in the lens and the read-out.
  decodeAt(x, y) {
    const values = this.decoder.decode([x, y]);
    this.lens.show(values);
    this.pictures.decoded.show(values);
    this.at = { x, y };
    const [index, distance] = nearestPoint(this.xy, this.classes, this.hidden, x, y);
    this.nothing = index < 0 || distance > this.header.empty_beyond;
    this.focus = index;
    this.readOut(x, y, index, distance);
  }

  readOut(x, y, index, distance) {
    const [density, share] = this.density(x, y);
    this.find(".z").textContent = this.describeZ(x, y);
    this.find(".density").textContent = this.header.prior
      ? `${density === null ? "" : `${density < 5e-4 ? density.toExponential(0).replace("-", "−") : density.toFixed(3)}, `}${share < 0.001 ? "under 0.1" : (100 * share).toFixed(share < 0.1 ? 1 : 0)}% of its peak`
      : "none: an autoencoder has no prior";
    const away = distance === 0 ? "at its code" : `${distance.toPrecision(2)} away`;
    const name = index < 0 ? "none shown" : `${this.header.labels[this.classes[index]]}, ${away}`;
    this.find(".nearest").textContent = this.nothing ? `${name}: nothing lives here` : name;
    this.find(".lens").classList.toggle("nothing", this.nothing);
  }

  describeZ(x, y) {
    const digits = this.view.half < 0.1 ? 4 : this.view.half < 1 ? 3 : 2;
    return `(${signed(x, digits)}, ${signed(y, digits)})`;
  }

  // N(0, I) at the plane's point: its density where the plane is all of latent space, and relative to its peak.
  density(x, y) {
    const { plane_origin: origin, plane_axes: axes, prior_dimension: d } = this.header;
    let squared = 0;
    for (let i = 0; i < d; i++) squared += (origin[i] + x * axes[0][i] + y * axes[1][i]) ** 2;
    const share = Math.exp(-squared / 2);
    return [d <= 2 ? share / (2 * Math.PI) ** (d / 2) : null, share];
  }

  // Once per frame at most: what changes with the nearest image (its picture, its posterior, the linked planes).
  later() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.showFocus();
      this.others().forEach((canvas) => canvas.follow(this.focus));
    });
  }

  showFocus() {
    const sheet = sheets.get(this.options.images);
    if (this.focus < 0) { this.pictures.original.clear(); this.pictures.rebuilt.clear(); }
    else {
      if (sheet) this.pictures.original.showTile(sheet, this.focus);
      if (!this.options.compact) this.pictures.rebuilt.show(this.decoder.decode([this.xy[2 * this.focus], this.xy[2 * this.focus + 1]]));
    }
    this.drawMarks();
  }

  // A linked plane's pointer is nearest to image `index`: show where this model puts it.
  follow(index) {
    if (index < 0) { this.hideCursor(); return; }
    const [x, y] = [this.xy[2 * index], this.xy[2 * index + 1]];
    this.decodeAt(x, y);
    this.focus = index; // of several images with this very code, the one that is meant
    this.showFocus();
    this.showCursor(...this.view.toPlane(x, y));
  }

  // ---- pointer, keyboard ------------------------------------------------------------------------------------------

  listen() {
    const { plane } = this;
    this.forgetBox = () => { this.box = undefined; };
    plane.addEventListener("pointerenter", this.forgetBox);
    window.addEventListener("scroll", this.forgetBox, { capture: true, passive: true });
    plane.addEventListener("pointermove", (event) => this.move(event));
    plane.addEventListener("pointerdown", (event) => this.down(event));
    plane.addEventListener("pointerup", (event) => this.up(event));
    plane.addEventListener("pointercancel", (event) => { this.pointers.delete(event.pointerId); this.drag = null; });
    plane.addEventListener("pointerleave", () => { if (!this.drag) this.hideCursor(); });
    plane.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    plane.addEventListener("keydown", (event) => this.key(event));
    plane.addEventListener("blur", () => this.hideCursor());
    this.find(".tools").addEventListener("click", (event) => this.tool(event.target.closest("button")?.dataset.do, event));
  }

  // Position of an event in 0..1 of the plane. Asking for the rectangle makes the browser lay out the page, which
  // costs more than decoding: it is kept until something may have moved it, and for a moment at most.
  place(event) {
    const now = performance.now();
    if (!this.box || now - this.boxAsked > BOX_KEPT_MS) { this.box = this.plane.getBoundingClientRect(); this.boxAsked = now; }
    return [(event.clientX - this.box.left) / this.box.width, (event.clientY - this.box.top) / this.box.height];
  }

  move(event) {
    const began = performance.now();
    const [u, v] = this.place(event);
    this.engaged = performance.now();
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, [u, v]);
    if (this.pointers.size === 2) { this.pinch(); return; }
    if (this.drag) { this.dragTo(u, v, event); return; }
    this.touch(...this.view.toLatent(u, v));
    this.showCursor(u, v, event.pointerType === "touch");
    this.moves.milliseconds[this.moves.count++ % this.moves.milliseconds.length] = performance.now() - began;
  }

  down(event) {
    if (event.button > 1) return;
    this.forgetBox();
    this.plane.focus({ preventScroll: true });
    this.plane.setPointerCapture(event.pointerId);
    const [u, v] = this.place(event);
    this.pointers.set(event.pointerId, [u, v]);
    if (this.pointers.size === 2) { this.drag = null; this.pinchFrom = this.spread(); return; }
    const panning = event.button === 1 || event.shiftKey;
    if (event.button === 1) event.preventDefault();
    this.drag = { u, v, clientX: event.clientX, clientY: event.clientY, moved: false, panning, view: this.view.get() };
    this.touch(...this.view.toLatent(u, v));
    this.showCursor(u, v, event.pointerType === "touch");
  }

  dragTo(u, v, event) {
    const { drag } = this;
    if (!drag.moved && Math.hypot(event.clientX - drag.clientX, event.clientY - drag.clientY) < CLICK_SLACK) return;
    if (drag.panning) {
      const { cx, cy, half } = drag.view;
      this.view.set({ cx: cx - (u - drag.u) * 2 * half, cy: cy + (v - drag.v) * 2 * half, half });
      drag.moved = true;
      this.viewChanged();
      return;
    }
    if (!drag.moved) { this.path = [this.view.toLatent(drag.u, drag.v)]; this.keyPath = false; }
    drag.moved = true;
    const here = this.view.toLatent(u, v);
    this.path.push(here);
    this.touch(...here);
    this.showCursor(u, v, event.pointerType === "touch");
    this.filmLater();
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    const { drag } = this;
    this.drag = null;
    if (this.pinchFrom) {
      if (this.pointers.size === 0) { this.pinchFrom = null; this.commitView(); }
      return;
    }
    if (!drag) return;
    if (!drag.moved) this.pin(...this.view.toLatent(drag.u, drag.v));
    else if (drag.panning) this.commitView();
    else this.endPath();
    if (event.pointerType === "touch") this.hideCursor();
  }

  spread() {
    const [[u1, v1], [u2, v2]] = [...this.pointers.values()];
    return { u: (u1 + u2) / 2, v: (v1 + v2) / 2, apart: Math.hypot(u1 - u2, v1 - v2) || 1e-6 };
  }

  pinch() {
    const now = this.spread();
    const from = this.pinchFrom ?? now;
    const { cx, cy, half } = this.view.get();
    this.view.set({ cx: cx - (now.u - from.u) * 2 * half, cy: cy + (now.v - from.v) * 2 * half, half });
    this.view.zoom(now.apart / from.apart, now.u, now.v);
    this.pinchFrom = now;
    this.viewChanged();
  }

  // The wheel zooms once the pointer has moved over the plane; a page that scrolls under a resting pointer goes on
  // scrolling, and so does one at the far end of the zoom.
  wheel(event) {
    const resting = performance.now() - (this.engaged ?? -Infinity) > 5000 && !event.ctrlKey;
    const outward = event.deltaY > 0;
    if (resting || (outward && !event.ctrlKey && this.view.half >= this.view.home.half * 0.999)) { this.engaged = undefined; return; }
    event.preventDefault();
    this.engaged = performance.now();
    const pixels = event.deltaMode === 1 ? event.deltaY * 33 : event.deltaY;
    let factor = Math.exp(-pixels / 400);
    if (outward && !event.ctrlKey) factor = Math.max(factor, this.view.half / this.view.home.half);
    this.view.zoom(factor, ...this.place(event));
    this.viewChanged();
    clearTimeout(this.wheelEnd);
    this.wheelEnd = setTimeout(() => this.commitView(), 300);
  }

  key(event) {
    const step = event.shiftKey ? KEY_STEP / 5 : KEY_STEP;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const { x, y } = this.at;
    if (event.key in moves) {
      const [dx, dy] = moves[event.key];
      this.keepInView(x + dx * step * 2 * this.view.half, y + dy * step * 2 * this.view.half);
    } else if (event.key === "Enter" || event.key === " ") this.pin(x, y);
    else if (event.key.toLowerCase() === "p" && !event.ctrlKey && !event.metaKey && !event.altKey) this.togglePath();
    else if (event.key === "Escape") this.clear();
    else if (event.key === "Backspace" || event.key === "Delete") this.unpin(this.pins.length - 1);
    else if (event.key === "+" || event.key === "=") this.tool("in");
    else if (event.key === "-") this.tool("out");
    else if (event.key === "0") this.tool("fit");
    else return;
    event.preventDefault();
  }

  keepInView(x, y) {
    const { cx, cy, half } = this.view.get();
    const pull = (value, centre) => centre + Math.sign(value - centre) * Math.max(0, Math.abs(value - centre) - half * 0.97);
    this.view.set({ cx: pull(x, cx), cy: pull(y, cy), half });
    if (this.view.cx !== cx || this.view.cy !== cy) this.viewChanged();
    this.touch(x, y);
    this.showCursor(...this.view.toPlane(x, y));
    if (this.keyPath) { this.path.push([x, y]); this.filmLater(); }
    this.say(this.sentence());
  }

  // A path by keys: every step of the crosshair is one of the path, until P ends it.
  togglePath() {
    if (this.keyPath) { this.keyPath = false; this.endPath(); return; }
    this.keyPath = true;
    this.path = [[this.at.x, this.at.y]];
    this.showCursor(...this.view.toPlane(this.at.x, this.at.y));
    this.say("Path begun: arrow keys draw it, P ends it.");
  }

  endPath() {
    this.showFilm();
    if (this.path.length < 2) { this.say("The path has no length."); return; }
    this.commit("path", alongPath(this.path, FILM_FRAMES));
    this.say(`Path of ${FILM_FRAMES} decoded images drawn.`);
  }

  sentence() {
    const { x, y } = this.at;
    return `z = ${this.describeZ(x, y)}. Nearest ${this.noun}: ${this.find(".nearest").textContent}.`;
  }

  // ---- commands -----------------------------------------------------------------------------------------------

  tool(name) {
    if (name === "in" || name === "out") { this.glide({ ...this.view.get(), half: this.view.half * (name === "in" ? 1 / 1.5 : 1.5) }); }
    else if (name === "fit") this.glide(this.view.home);
    else if (name === "manifold" || name === "points" || name === "heat") this.toggleLayer(name);
    else if (name === "png") this.savePicture();
  }

  toggleLayer(name) {
    const shown = this.find(`canvas.${name}`).hidden;
    this.showLayer(name, shown);
    // Distances are there to be compared: the whole group shows them or none does.
    if (name === "heat") this.companions().forEach((canvas) => canvas.showLayer(name, shown));
  }

  showLayer(name, shown) {
    this.find(`[data-do="${name}"]`).setAttribute("aria-pressed", String(shown));
    this.find(`canvas.${name}`).hidden = !shown;
    if (name === "heat") {
      this.heatShown = shown;
      this.find(".heat-note").hidden = !shown;
      pageLink.changed();
    }
    if (shown && name === "manifold") this.fillManifold();
    if (shown && name === "heat") this.fillHeat();
  }

  // Moves the view over 180 ms, or at once where motion is unwelcome.
  glide(to) {
    const from = this.view.get();
    const began = performance.now();
    const frame = (now) => {
      const share = still() ? 1 : Math.min(1, Math.max(0, now - began) / 180);
      const ease = 1 - (1 - share) ** 3;
      const mix = (a, b) => a + (b - a) * ease;
      this.view.set({ cx: mix(from.cx, to.cx), cy: mix(from.cy, to.cy), half: from.half * (to.half / from.half) ** ease });
      this.viewChanged();
      if (share < 1) requestAnimationFrame(frame);
      else this.commitView();
    };
    requestAnimationFrame(frame);
  }

  makePin(x, y) {
    const [index, distance] = nearestPoint(this.xy, this.classes, this.hidden ?? new Set(), x, y);
    return { x, y, index: distance <= this.header.empty_beyond ? index : -1 };
  }

  pin(x, y) {
    this.pins.push(this.makePin(x, y));
    if (this.pins.length > MAX_PINS) this.pins.shift();
    this.pinsChanged();
    this.say(`Pinned. ${this.sentence()}`);
  }

  unpin(index) {
    if (index < 0) return;
    this.pins.splice(index, 1);
    this.pinsChanged();
    this.say("Pin removed.");
  }

  clear() {
    this.pins = [];
    this.path = [];
    this.keyPath = false;
    this.pinsChanged();
    this.showFilm();
    this.say("Pins and path cleared.");
  }

  pinsChanged() {
    this.showPins();
    this.drawMarks();
    this.commit("pins", this.pins.map(({ x, y }) => [x, y]));
    pageLink.changed();
    this.others().forEach((canvas) => canvas.drawMarks());
  }

  commit(name, value) { if (this.options.commit) this.send(name, value); }

  commitView() {
    const { cx, cy, half } = this.view.get();
    this.commit("view", [cx, cy, half]);
    pageLink.changed();
  }

  say(text) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { this.find(".live").textContent = text; }, 250);
  }

  // ---- showing --------------------------------------------------------------------------------------------------

  resize(force = false) {
    this.forgetBox();
    const size = this.view && fitToPlane(this.plane, this.contexts, force ? {} : this);
    if (!size) return;
    Object.assign(this, size);
    const draw = () => { this.drawPoints(); this.drawMarks(); this.fillLayers(); };
    // A new plane is drawn in a frame of its own: several may arrive at once. A resized one at once, or it would blink.
    if (force) slices.add(() => { draw(); return false; });
    else draw();
  }

  // The view moved: what is drawn is stretched to it at once, and drawn anew as soon as it rests.
  viewChanged() {
    this.drawPoints();
    this.drawMarks();
    this.stretch(this.manifold.canvas, this.manifoldView);
    this.stretch(this.heat.canvas, this.heatView);
    clearTimeout(this.refill);
    this.refill = setTimeout(() => this.fillLayers(), 120);
  }

  // Puts a layer that was drawn for an earlier view where it belongs in this one.
  stretch(canvas, drawn) {
    if (!drawn) return;
    const { cx, cy, half } = drawn;
    const [u, v] = this.view.toPlane(cx - half, cy + half);
    canvas.style.transform = `translate(${u * 100}%, ${v * 100}%) scale(${half / this.view.half})`;
  }

  fillLayers() {
    this.fillManifold();
    this.fillHeat();
  }

  // The view as it is now: this one may move while a layer fills.
  frozenView() {
    const frozen = new View(this.header.range);
    frozen.set(this.view.get());
    return frozen;
  }

  fillManifold() {
    const { canvas } = this.manifold;
    if (canvas.hidden) return;
    const seen = this.view.get();
    if (this.manifoldView && JSON.stringify(seen) !== JSON.stringify(this.manifoldView)) this.manifold.context.clearRect(0, 0, canvas.width, canvas.height);
    this.manifoldView = seen;
    canvas.style.transform = "";
    delete canvas.dataset.complete;
    this.manifold.fill(this.frozenView(), () => { canvas.dataset.complete = this.manifold.milliseconds.toFixed(0); });
  }

  fillHeat() {
    const { canvas } = this.heat;
    if (canvas.hidden) return;
    const view = this.frozenView();
    const hidden = new Set(this.hidden);
    delete canvas.dataset.complete;
    this.heat.fill(view, { points: this.xy, classes: this.classes, hidden, beyond: this.header.empty_beyond }, () => {
      this.heatView = view.get();
      this.stretch(canvas, this.heatView); // the view may have moved on since
      canvas.dataset.complete = this.heat.milliseconds.toFixed(0);
    });
  }

  drawPoints() {
    const context = this.contexts.points;
    context.clearRect(0, 0, this.side, this.side);
    drawPoints(context, this.side, this.view, this.xy, this.classes, this.hidden, this.header.palette);
    drawClassNames(context, this.side, this.view, this.centres, this.header.labels, this.hidden, this.header.palette);
  }

  // Rings, axes, path, pins, and the nearest image with its posterior.
  drawMarks() {
    const { side, view } = this;
    const context = this.contexts.marks;
    if (!side) return;
    context.clearRect(0, 0, side, side);
    drawRings(context, side, view, this.header.rings);
    drawAxes(context, side, view, this.header.axes);
    if (this.path.length > 1) this.drawPath(context);
    if (this.focus >= 0) this.drawImageMark(context, this.focus, this.colour(this.classes[this.focus]));
    this.others().forEach((canvas) => canvas.pins.forEach((pin, number) => {
      if (pin.index >= 0) this.drawNumber(context, this.xy[2 * pin.index], this.xy[2 * pin.index + 1], number + 1, true);
    }));
    this.pins.forEach((pin, number) => this.drawNumber(context, pin.x, pin.y, number + 1, false));
  }

  drawImageMark(context, index, colour) {
    const [x, y] = [this.xy[2 * index], this.xy[2 * index + 1]];
    const [u, v] = this.view.toPlane(x, y);
    if (this.posteriors) drawPosterior(context, this.side, this.view, x, y, this.posteriors.subarray(3 * index, 3 * index + 3));
    context.beginPath();
    context.arc(u * this.side, v * this.side, 4, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = "#ffffff";
    context.stroke();
  }

  // A pin; a ghost is where this model puts the image that was pinned on a linked plane.
  drawNumber(context, x, y, number, ghost) {
    const [u, v] = this.view.toPlane(x, y).map((share) => share * this.side);
    context.beginPath();
    context.arc(u, v, 9, 0, 2 * Math.PI);
    context.fillStyle = ghost ? "rgba(4, 6, 11, 0.75)" : "#ffffff";
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = ghost ? "#ffffff" : "#04060b";
    if (ghost) context.setLineDash([2, 2]);
    context.stroke();
    context.setLineDash([]);
    context.font = `600 11px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = ghost ? "#ffffff" : "#04060b";
    context.fillText(String(number), u, v + 0.5);
  }

  drawPath(context) {
    context.beginPath();
    for (const [x, y] of this.path) {
      const [u, v] = this.view.toPlane(x, y);
      context.lineTo(u * this.side, v * this.side);
    }
    context.lineWidth = 5;
    context.strokeStyle = PLANE.halo;
    context.lineJoin = "round";
    context.stroke();
    context.lineWidth = 2;
    context.strokeStyle = "#ffffff";
    context.stroke();
    for (const [x, y] of alongPath(this.path, FILM_FRAMES)) {
      const [u, v] = this.view.toPlane(x, y);
      context.beginPath();
      context.arc(u * this.side, v * this.side, 3, 0, 2 * Math.PI);
      context.fillStyle = "#ffffff";
      context.fill();
    }
  }

  showCursor(u, v, finger = false) {
    const { side } = this;
    const [x, y] = [u * side, v * side];
    const inside = u >= 0 && v >= 0 && u <= 1 && v <= 1;
    const cursor = this.cursor ?? (this.cursor = this.find(".cursor"));
    const lens = this.lensBox ?? (this.lensBox = this.find(".lens"));
    cursor.style.visibility = lens.style.visibility = inside ? "visible" : "hidden";
    cursor.style.transform = `translate(${x}px, ${y}px)`;
    const [left, top] = lensPlace(x, y, side, finger);
    lens.style.transform = `translate(${left}px, ${top}px)`;
  }

  hideCursor() {
    for (const canvas of [this, ...this.others()]) {
      for (const part of [".cursor", ".lens"]) canvas.find(part).style.visibility = "hidden";
    }
  }

  filmLater() {
    if (this.filming) return;
    this.filming = requestAnimationFrame(() => { this.filming = 0; this.showFilm(); this.drawMarks(); });
  }

  showFilm() {
    const strip = this.find(".film");
    if (this.path.length < 2) {
      strip.replaceChildren(element("span", { className: "hint", textContent: "Drag across the plane, or press P, to see the images along a path." }));
      this.drawMarks();
      return;
    }
    const stops = alongPath(this.path, FILM_FRAMES);
    if (strip.querySelectorAll("figure").length !== FILM_FRAMES) {
      const clear = element("button", { type: "button", className: "clear", textContent: "Clear path" });
      clear.onclick = () => { this.path = []; this.keyPath = false; this.showFilm(); this.plane.focus({ preventScroll: true }); };
      this.frames = stops.map((_, k) => { const canvas = named(element("canvas"), `Decoded image ${k + 1} of ${FILM_FRAMES} on the path`); return { canvas, picture: new Picture(canvas, this.image), box: element("figure", {}, canvas) }; });
      strip.replaceChildren(...this.frames.map((frame) => frame.box), clear);
    }
    const values = this.decoder.decode(stops.flat());
    this.frames.forEach((frame, k) => {
      frame.picture.show(values, k * this.decoder.size);
      const [, distance] = nearestPoint(this.xy, this.classes, this.hidden, ...stops[k]);
      frame.box.classList.toggle("nothing", distance > this.header.empty_beyond);
    });
    this.drawMarks();
  }

  showPins() {
    const strip = this.find(".pins");
    if (this.pins.length === 0) {
      strip.replaceChildren(element("span", { className: "hint", textContent: `Click, or press Enter, to pin up to ${MAX_PINS} points and compare them.` }));
      return;
    }
    strip.replaceChildren(...this.pins.map((pin, index) => {
      const canvas = named(element("canvas"), `Decoded image at pin ${index + 1}`);
      new Picture(canvas, this.image).show(this.decoder.decode([pin.x, pin.y]));
      const remove = element("button", { type: "button", textContent: "×" });
      remove.setAttribute("aria-label", `Remove pin ${index + 1}`);
      remove.onclick = () => { this.unpin(index); this.plane.focus({ preventScroll: true }); };
      return element("figure", {}, canvas, remove, element("figcaption", { textContent: `${index + 1}: ${this.describeZ(pin.x, pin.y)}` }));
    }));
  }

  savePicture() {
    const side = Math.round(this.side * this.ratio);
    const canvas = element("canvas", { width: side, height: side });
    const context = canvas.getContext("2d");
    context.fillStyle = "#04060b";
    context.fillRect(0, 0, side, side);
    for (const name of ["manifold", "heat", "points", "marks"]) {
      const layer = this.find(`canvas.${name}`);
      if (layer.hidden) continue;
      context.globalAlpha = name === "manifold" ? 0.42 : 1;
      context.drawImage(layer, 0, 0, side, side);
    }
    canvas.toBlob((blob) => {
      const link = element("a", { href: URL.createObjectURL(blob), download: `${this.header.key}.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    return {
      key: this.header.key, at: this.at, focus: this.focus, nothing: this.nothing, view: this.view.get(),
      pins: this.pins.map(({ x, y }) => [x, y]), path: this.path.length, hidden: [...this.hidden],
      manifoldMilliseconds: this.manifold.milliseconds, longestSlice: this.manifold.longestSlice,
      heatMilliseconds: this.heat.milliseconds, longestHeatSlice: this.heat.longestSlice,
      moveMilliseconds: Array.from(this.moves.milliseconds.subarray(0, Math.min(this.moves.count, this.moves.milliseconds.length))),
    };
  }

  remove() {
    this.leave();
    pageLink.leave(this);
    this.root.remove();
    live.delete(this);
    this.resizes.disconnect();
    window.removeEventListener("scroll", this.forgetBox, { capture: true });
    for (const timer of [this.refill, this.saying, this.wheelEnd]) clearTimeout(timer);
    this.endFills();
  }

  endFills() { for (const layer of [this.manifold, this.heat]) if (layer) layer.version++; }
}

// Fills in what the planes already point at.
onThumbnails((images) => {
  for (const canvas of live) if (canvas.options?.images === images) canvas.showFocus();
});

export default function (component) {
  const { parentElement, setStateValue } = component;
  withPayload(component, "plane", (payload) => {
    if (payload.header.kind === "thumbnails") { receiveThumbnails(payload); return; }
    let canvas = instances.get(parentElement);
    const isNew = !canvas;
    if (isNew) instances.set(parentElement, (canvas = new LatentCanvas(parentElement)));
    const apply = () => {
      try {
        if (live.has(canvas)) canvas.update(payload, setStateValue);
      } catch (error) {
        showFailure(parentElement, "plane", error);
      }
      return false;
    };
    // Several planes arrive with a page: each is set up in a frame of its own.
    if (isNew) slices.add(apply);
    else apply();
  });
  return () => {
    instances.get(parentElement)?.remove();
    instances.delete(parentElement);
    forgetPayload(parentElement);
  };
}
