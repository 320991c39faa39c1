// Mouse, pen, fingers and the wheel: hover decodes, a click pins, a drag draws a path or moves the view, two fingers and the
// wheel zoom. One finger decodes, and scrolls the page up and down; it draws a path only once that was asked for.

import { takePointer } from "../engine/page.js";

const CLICK_SLACK = 5; // CSS pixels a click may wander before it is a drag
const LOOK_SLACK = 12; // as many it may wander while the visitor looks at a path just drawn
const BOX_KEPT_MS = 250;
const ENGAGED_MS = 5000; // a pointer that has not moved for so long rests
const WHEEL_END_MS = 300;
const LINE_PIXELS = 33; // of a wheel that counts in lines
const WHEEL_PIXELS = 400; // for a zoom by e

const apart = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);

export class Pointer {
  constructor(canvas) {
    this.canvas = canvas;
    this.plane = canvas.plane;
    this.places = new Map(); // pointer id -> [u, v] while it is down
    this.listen();
  }

  listen() {
    const { plane } = this;
    this.forgetBox = () => { this.box = undefined; };
    plane.addEventListener("pointerenter", this.forgetBox);
    window.addEventListener("scroll", this.forgetBox, { capture: true, passive: true });
    plane.addEventListener("pointermove", (event) => this.move(event));
    plane.addEventListener("pointerdown", (event) => this.down(event));
    plane.addEventListener("pointerup", (event) => this.up(event));
    plane.addEventListener("pointercancel", (event) => { this.places.delete(event.pointerId); this.drag = null; this.canvas.hideLens(); });
    plane.addEventListener("pointerleave", () => { if (!this.drag) this.canvas.hideLens(); });
    plane.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  // Position of an event in 0..1 of the plane. Asking for the rectangle makes the browser lay out the page, which
  // costs more than decoding: it is kept until something may have moved it, and for a moment at most.
  place(event) {
    const now = performance.now();
    if (!this.box || now - this.boxAsked > BOX_KEPT_MS) { this.box = this.plane.getBoundingClientRect(); this.boxAsked = now; }
    return [(event.clientX - this.box.left) / this.box.width, (event.clientY - this.box.top) / this.box.height];
  }

  // The visitor is at (u, v) of the plane: decode what is there.
  touch(u, v, event) {
    const { canvas } = this;
    canvas.touch(...canvas.view.toLatent(u, v));
    canvas.showLens(u, v, event.pointerType === "touch");
  }

  move(event) {
    const began = performance.now();
    const [u, v] = this.place(event);
    this.engaged = performance.now();
    if (this.places.has(event.pointerId)) this.places.set(event.pointerId, [u, v]);
    if (this.places.size === 2) { this.pinch(); return; }
    if (this.drag) { this.dragTo(u, v, event); return; }
    if (this.drawn && apart(event, this.drawn) < LOOK_SLACK) return;
    this.drawn = null;
    this.touch(u, v, event);
    this.canvas.moves.note(began);
  }

  down(event) {
    if (event.button > 1) return;
    const { canvas } = this;
    this.forgetBox();
    canvas.focusPlane();
    takePointer(this.plane, event);
    const [u, v] = this.place(event);
    this.places.set(event.pointerId, [u, v]);
    if (this.places.size === 2) { this.drag = null; this.pinchFrom = this.spread(); return; }
    this.drawn = null;
    const panning = event.button === 1 || event.shiftKey;
    if (event.button === 1) event.preventDefault();
    const drawing = event.pointerType !== "touch" || canvas.route.byFinger;
    this.drag = { u, v, clientX: event.clientX, clientY: event.clientY, moved: false, panning, drawing, view: canvas.view.get() };
    this.touch(u, v, event);
  }

  dragTo(u, v, event) {
    const { canvas, drag } = this;
    if (!drag.moved && apart(event, drag) < CLICK_SLACK) return;
    if (drag.panning) {
      drag.moved = true;
      this.pan(drag.view, u - drag.u, v - drag.v);
      canvas.viewChanged();
      return;
    }
    if (!drag.drawing) {
      drag.moved = true;
      this.touch(u, v, event);
      return;
    }
    if (!drag.moved) canvas.route.begin(...canvas.view.toLatent(drag.u, drag.v));
    drag.moved = true;
    this.touch(u, v, event);
    canvas.route.add(...canvas.view.toLatent(u, v));
  }

  up(event) {
    const { canvas, drag } = this;
    this.places.delete(event.pointerId);
    this.drag = null;
    if (this.pinchFrom) {
      if (this.places.size === 0) { this.pinchFrom = null; canvas.commitView(); }
      return;
    }
    if (!drag) return;
    if (!drag.moved) canvas.pins.add(...canvas.view.toLatent(drag.u, drag.v));
    else if (drag.panning) canvas.commitView();
    else if (drag.drawing) this.endPath(event);
    if (event.pointerType === "touch") canvas.hideLens();
  }

  // The lens would lie on the path: it goes until the pointer moves on.
  endPath({ clientX, clientY }) {
    this.canvas.route.end();
    this.canvas.hideLens();
    this.drawn = { clientX, clientY };
  }

  // Moves the view from where it was by shares of the plane.
  pan({ cx, cy, half }, du, dv) { this.canvas.view.set({ cx: cx - du * 2 * half, cy: cy + dv * 2 * half, half }); }

  spread() {
    const [[u1, v1], [u2, v2]] = [...this.places.values()];
    return { u: (u1 + u2) / 2, v: (v1 + v2) / 2, apart: Math.hypot(u1 - u2, v1 - v2) || 1e-6 };
  }

  pinch() {
    const { view } = this.canvas;
    const now = this.spread();
    const from = this.pinchFrom ?? now;
    this.pan(view.get(), now.u - from.u, now.v - from.v);
    view.zoom(now.apart / from.apart, now.u, now.v);
    this.pinchFrom = now;
    this.canvas.viewChanged();
  }

  // The wheel zooms once the pointer has moved over the plane; a page that scrolls under a resting pointer goes on
  // scrolling, and so does one at the far end of the zoom.
  wheel(event) {
    const { canvas } = this;
    const { view } = canvas;
    const resting = performance.now() - (this.engaged ?? -Infinity) > ENGAGED_MS && !event.ctrlKey;
    const outward = event.deltaY > 0;
    if (resting || (outward && !event.ctrlKey && view.half >= view.home.half * 0.999)) { this.engaged = undefined; return; }
    event.preventDefault();
    this.engaged = performance.now();
    const pixels = event.deltaMode === 1 ? event.deltaY * LINE_PIXELS : event.deltaY;
    let factor = Math.exp(-pixels / WHEEL_PIXELS);
    if (outward && !event.ctrlKey) factor = Math.max(factor, view.half / view.home.half);
    view.zoom(factor, ...this.place(event));
    canvas.viewChanged();
    clearTimeout(this.wheelEnd);
    this.wheelEnd = setTimeout(() => canvas.commitView(), WHEEL_END_MS);
  }

  end() {
    window.removeEventListener("scroll", this.forgetBox, { capture: true });
    clearTimeout(this.wheelEnd);
  }
}
