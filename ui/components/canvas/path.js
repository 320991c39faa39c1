// A path across the plane, drawn by hand or by keys, and the film strip of the images along it.

import { Gif, Palette } from "../engine/gif.js";
import { element, named, save } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { alongPath, nearestPoint } from "../engine/view.js";

const FRAMES = 12;
const MOVING = 30; // images of the moving picture, one way
const MOVING_SIDE = 224; // pixels, about
const MOVING_DELAY = 8; // hundredths of a second
const FINGERS = window.matchMedia("(pointer: coarse)");

export class Path {
  constructor(canvas) {
    this.canvas = canvas;
    this.strip = canvas.find(".film");
    this.points = []; // [[x, y], ...]
    this.byFinger = false; // a finger draws instead of scrolling the page
    this.byKeys = false; // every step of the crosshair is one of the path
  }

  begin(x, y, byKeys = false) {
    this.points = [[x, y]];
    this.byKeys = byKeys;
  }

  add(x, y) {
    this.points.push([x, y]);
    if (this.filming) return;
    this.filming = requestAnimationFrame(() => { this.filming = 0; this.show(); });
  }

  toggleByKeys() {
    const { canvas } = this;
    if (this.byKeys) { this.byKeys = false; this.end(); return; }
    this.begin(canvas.at.x, canvas.at.y, true);
    canvas.showLens(...canvas.view.toPlane(canvas.at.x, canvas.at.y));
    canvas.say("Path begun: arrow keys draw it, P ends it.");
  }

  toggleByFinger() {
    const { canvas } = this;
    this.byFinger = !this.byFinger;
    canvas.find("[data-do=path]").setAttribute("aria-pressed", String(this.byFinger));
    canvas.plane.classList.toggle("drawing", this.byFinger);
    canvas.say(this.byFinger ? "A finger now draws a path." : "A finger scrolls the page again.");
  }

  end() {
    this.show();
    if (this.points.length < 2) { this.canvas.say("The path has no length."); return; }
    this.canvas.say(`Path of ${FRAMES} decoded images drawn.`);
  }

  clear() {
    this.points = [];
    this.byKeys = false;
    this.show();
  }

  stops() { return alongPath(this.points, FRAMES); }

  show() {
    const { canvas, strip } = this;
    if (this.points.length < 2) {
      strip.replaceChildren(element("span", { className: "hint", textContent: FINGERS.matches ? "Switch Path on and draw with a finger to see the images along a path."
        : "Drag across the plane, or press P, to see the images along a path. The wheel zooms; Shift and drag moves the view." }));
      canvas.drawMarks();
      return;
    }
    if (strip.querySelectorAll("figure").length !== FRAMES) this.build();
    const stops = this.stops();
    const values = canvas.decoder.decode(stops.flat());
    this.frames.forEach(({ picture, box }, k) => {
      picture.show(values, k * canvas.decoder.size);
      const [, distance] = nearestPoint(canvas.xy, canvas.classes, canvas.hidden, stops[k][0], stops[k][1]);
      box.classList.toggle("nothing", distance > canvas.header.empty_beyond);
    });
    canvas.drawMarks();
  }

  build() {
    const { canvas } = this;
    const clear = element("button", { type: "button", textContent: "Clear path" });
    clear.onclick = () => { this.clear(); canvas.focusPlane(); };
    this.frames = Array.from({ length: FRAMES }, (_, k) => {
      const picture = named(element("canvas"), `Decoded image ${k + 1} of ${FRAMES} on the path`);
      return { picture: new Picture(picture, canvas.image), box: element("figure", {}, picture) };
    });
    const gif = element("button", { type: "button", textContent: "GIF", title: "Save the images along the path as a moving picture" });
    gif.setAttribute("aria-label", "Save the path as GIF");
    gif.onclick = () => this.saveMoving();
    this.strip.replaceChildren(element("div", { className: "frames" }, ...this.frames.map(({ box }) => box)),
      element("div", { className: "actions" }, gif, clear));
  }

  // The images along the path, there and back.
  saveMoving() {
    const { image, decoder, header } = this.canvas;
    const values = decoder.decode(alongPath(this.points, MOVING).flat());
    const small = element("canvas");
    const picture = new Picture(small, image);
    const times = Math.max(1, Math.round(MOVING_SIDE / image.width));
    const large = element("canvas", { width: times * image.width, height: times * image.height });
    const context = large.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingEnabled = false;
    const frames = Array.from({ length: MOVING }, (_, k) => {
      picture.show(values, k * decoder.size);
      context.drawImage(small, 0, 0, large.width, large.height);
      return context.getImageData(0, 0, large.width, large.height).data;
    });
    const gif = new Gif(large.width, large.height, new Palette(frames));
    for (const frame of [...frames, ...frames.slice(1, -1).reverse()]) gif.add(frame, MOVING_DELAY);
    save(new Blob([gif.end()], { type: "image/gif" }), `${header.key}-path.gif`);
    this.canvas.say("Path saved.");
  }
}
