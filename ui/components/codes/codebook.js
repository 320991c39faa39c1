// A panel: the codebook in a plane. The area of a dot is how often its entry is used; lines lead from the vectors of the
// image's cells to their entries.

import { PLANE, drawDot } from "../engine/drawing.js";
import { Picture } from "../engine/pictures.js";
import { Plane } from "../engine/plane.js";
import { View } from "../engine/view.js";
import { Panel, panel } from "./panels.js";

const LARGEST = 1 / 24; // of the plane's side: radius of the entry that is used most
const SMALLEST = 2.5; // CSS pixels: of one that is never used
const REACH = 14; // CSS pixels beyond a dot's edge from which it is still pointed at

class Codebook extends Panel {
  constructor(parent) {
    super(parent, "codebook");
    this.entry = -1;
    this.surface = new Plane(this.find, () => this.redraw());
    const box = this.find(".plane");
    const over = (event) => this.point(this.at(event));
    box.addEventListener("pointermove", over);
    box.addEventListener("pointerdown", over);
    box.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") this.point(-1); });
    box.addEventListener("keydown", (event) => this.key(event));
    this.follow();
  }

  /** @override */
  build({ header, payload }) {
    this.entry = -1;
    this.points = payload.tensor("entry_points");
    this.view = new View(header.range);
    this.picture = new Picture(this.find("canvas.answer"), header.image);
    // Entries may lie along one direction: what the square has above and below them is cut off, its scale stays.
    this.find(".plane").style.marginBlock = `${-50 * (1 - header.band)}%`;
    const most = Math.max(...header.uses);
    this.radii = header.uses.map((uses) => Math.sqrt(uses / most));
    const unused = header.uses.filter((uses) => uses === 0).length;
    this.find(".over").lastChild.textContent = `${header.entries} entries of ${header.dimensions} numbers; across and up are their first two principal directions, with ${(100 * header.variance_share).toPrecision(3)}% of their variance`;
    this.find(".unused").textContent = unused ? `${unused} ${unused === 1 ? "entry is" : "entries are"} never used: hollow.` : "Every entry is used.";
    this.find(".plane").setAttribute("aria-label", `The codebook in its principal plane: ${header.entries} entries. Left and right arrow keys go through them by number.`);
    this.redraw();
  }

  radius(entry) { return Math.max(SMALLEST, this.radii[entry] * LARGEST * this.surface.side); }

  project(vector) {
    const { plane_axes: axes, plane_origin: origin } = this.shown.header;
    return axes.map((axis) => axis.reduce((total, a, i) => total + a * (vector[i] - origin[i]), 0));
  }

  place(entry) { return [this.points[2 * entry], this.points[2 * entry + 1]]; }

  redraw() {
    const { surface, view } = this;
    if (!surface.side || !view) return;
    const { header } = this.shown;
    const context = surface.cleared("points");
    const order = header.uses.map((_, entry) => entry).sort((a, b) => header.uses[b] - header.uses[a]); // small ones on top
    for (const entry of order) {
      const used = header.uses[entry] > 0;
      drawDot(context, surface.side, view, this.place(entry), this.radius(entry), used ? header.colours[entry] : "transparent", used ? PLANE.ground : PLANE.text);
    }
    this.show(this.shown);
  }

  /** @override */
  show(shown) {
    const { passage, model, cell } = shown;
    this.grid.show(passage.codes);
    this.showPicture(shown);
    this.grid.light((index) => this.entry >= 0 && passage.codes[index] === this.entry);
    const { side } = this.surface;
    if (!side) return;
    const context = this.surface.cleared("marks");
    for (let index = 0; index < model.cells; index++) if (index !== cell) this.drawCell(context, index, false);
    this.drawCell(context, cell, true);
    if (this.entry >= 0) drawDot(context, side, this.view, this.place(this.entry), this.radius(this.entry) + 3, "transparent", "#ffffff");
    this.tell();
  }

  // A line from a cell's vector to its entry.
  drawCell(context, index, chosen) {
    const { shown: { passage, model }, surface: { side }, view } = this;
    const from = this.project(model.vector(passage, index));
    const to = this.place(passage.codes[index]);
    context.beginPath();
    for (const place of [from, to]) context.lineTo(...view.toPlane(...place).map((value) => value * side));
    context.lineWidth = chosen ? 2.5 : 1;
    context.strokeStyle = chosen ? "#ffffff" : "rgba(255, 255, 255, 0.5)";
    context.stroke();
    drawDot(context, side, view, from, chosen ? 4 : 1.75, "#ffffff", PLANE.ground);
  }

  // The entry at a place on the screen: the nearest whose dot is near enough; -1 for none.
  at({ clientX, clientY }) {
    const { left, top } = this.find(".plane").getBoundingClientRect();
    const { side } = this.surface;
    let [best, least] = [-1, REACH];
    for (let entry = 0; entry < this.radii.length; entry++) {
      const [x, y] = this.view.toPlane(...this.place(entry)).map((value) => value * side);
      const away = Math.hypot(clientX - left - x, clientY - top - y) - this.radius(entry);
      if (away < least) [best, least] = [entry, away];
    }
    return best;
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const count = this.shown?.model.entries;
    if (event.key === "Escape") this.point(-1);
    else if (step && count) this.point((Math.max(this.entry, step < 0 ? 0 : -1) + step + count) % count);
    else return;
    event.preventDefault();
  }

  // entry: the one that is looked at; -1 for none.
  point(entry) {
    if (entry === this.entry || !this.shown) return;
    this.entry = entry;
    this.show(this.shown);
  }

  // The image with the entry that is looked at in the chosen cell.
  showPicture({ model, passage, cell }) {
    const { entry } = this;
    const told = entry < 0 ? "This image, decoded" : `With entry ${entry} in the chosen cell, decoded`;
    const codes = passage.codes.map((code, index) => (index === cell && entry >= 0 ? entry : code));
    this.picture.show(entry < 0 ? passage.xhat : model.decode(codes));
    this.find(".what").textContent = told;
    this.find("canvas.answer").setAttribute("aria-label", told);
  }

  tell() {
    const { entry, shown: { header, passage, model } } = this;
    if (entry < 0) { this.find(".result").textContent = "Point at an entry: the image with it in the chosen cell, and the cells that have it."; return; }
    const here = passage.codes.filter((code) => code === entry).length;
    const share = header.uses[entry] / (header.n * model.cells);
    this.find(".result").textContent = `Entry ${entry}: in ${(100 * share).toPrecision(2)}% of all cells of ${header.n.toLocaleString("en")} held-out ${header.noun}s, in `
      + `${here} of ${model.cells} here.`;
  }

  // For tests: what is on screen, in numbers.
  state() { return { entry: this.entry, radii: this.radii, places: Array.from(this.points) }; }

  /** @override */
  end() {
    this.surface.end();
    super.end();
  }
}

export default panel(Codebook);
