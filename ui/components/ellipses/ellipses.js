// All approximate posteriors of some models, each an ellipse in its model's latent plane, with a close-up in the corner.

import { expectLength } from "../engine/arrays.js";
import { haloText, PLANE } from "../engine/drawing.js";
import { showComponent, withPayload } from "../engine/page.js";
import { Plane } from "../engine/plane.js";
import { View, classMedians } from "../engine/view.js";

const DEVIATIONS = 2; // that an ellipse reaches
const CLOSE_SHARE = 0.34; // of the plane's side
const CLOSE_WIDTH = 0.4; // of the spread of the means
const LEAST = 0.5; // CSS pixels: radius of an ellipse that is smaller
const [MARGIN_LEFT, MARGIN_BELOW] = [30, 22]; // CSS pixels kept quiet for the axes' numbers

const shown = new Map(); // mount point -> Ellipses

// One model's plane.
class Model {
  root;
  header;
  means;
  sigmas;
  classes;
  colours;

  constructor(root, header, { means, sigmas, classes }, colours) {
    Object.assign(this, { root, header, means, sigmas, classes, colours });
    this.view = new View(header.range);
    this.centres = classMedians(means, classes, colours.labels.length);
    this.close = this.closeUp();
    root.querySelector(".plane").setAttribute("aria-label", `${header.title}. ${header.told}`);
    this.surface = new Plane((selector) => root.querySelector(selector), () => this.draw());
  }

  // Around the code nearest to the middle of the first class: a place full of codes.
  closeUp() {
    const { means, centres: [[x, y]], header: { spread } } = this;
    let [least, at] = [Infinity, 0];
    for (let i = 0; i < means.length; i += 2) {
      const away = (means[i] - x) ** 2 + (means[i + 1] - y) ** 2;
      if (away < least) [least, at] = [away, i];
    }
    const half = (CLOSE_WIDTH * spread) / 2;
    return new View({ x: [means[at] - half, means[at] + half], y: [means[at + 1] - half, means[at + 1] + half] });
  }

  // half: of the side of what is seen; null: the plane's own.
  look(half) {
    const { x: [left, right], y: [bottom, top] } = this.header.range;
    const [cx, cy, reach] = [(left + right) / 2, (bottom + top) / 2, half ?? (right - left) / 2];
    this.view = new View({ x: [cx - reach, cx + reach], y: [cy - reach, cy + reach] });
    this.draw();
  }

  draw() {
    const { surface, view, header, close } = this;
    const { side } = surface;
    if (!side) return;
    const context = surface.cleared("points");
    this.drawEllipses(context, side, view);
    surface.drawNames(context, view, { centres: this.centres, ...this.colours });
    context.fillStyle = "rgba(4, 6, 11, 0.82)";
    context.fillRect(0, 0, MARGIN_LEFT, side);
    context.fillRect(MARGIN_LEFT, side - MARGIN_BELOW, side - MARGIN_LEFT, MARGIN_BELOW);
    surface.drawScale(context, view, header);
    const marks = surface.cleared("marks");
    this.drawClose(marks, side, close);
  }

  drawEllipses(context, side, view) {
    const { means, sigmas, classes, colours: { palette } } = this;
    const scale = side / (2 * view.half);
    const paths = palette.map(() => new Path2D());
    for (let i = 0; i < classes.length; i++) {
      const [u, v] = view.toPlane(means[2 * i], means[2 * i + 1]);
      const [a, b] = [0, 1].map((axis) => Math.max(LEAST, DEVIATIONS * sigmas[2 * i + axis] * scale));
      const [x, y] = [u * side, v * side];
      if (x < -a || y < -b || x > side + a || y > side + b) continue;
      const path = paths[classes[i] % palette.length];
      path.moveTo(x + a, y);
      path.ellipse(x, y, a, b, 0, 0, 2 * Math.PI);
    }
    context.lineWidth = 1;
    paths.forEach((path, index) => {
      context.strokeStyle = context.fillStyle = palette[index];
      context.globalAlpha = 0.15;
      context.fill(path);
      context.globalAlpha = 0.55;
      context.stroke(path);
    });
    context.globalAlpha = 1;
  }

  // Where a square of that length hides the fewest codes: its left upper corner.
  freeCorner(side, length) {
    const corners = [MARGIN_LEFT + 4, side - length - 8].flatMap((x) => [24, side - length - MARGIN_BELOW - 4].map((y) => [x, y]));
    const hidden = corners.map(() => 0);
    for (let i = 0; i < this.means.length; i += 2) {
      const [u, v] = this.view.toPlane(this.means[i], this.means[i + 1]);
      corners.forEach(([x, y], k) => {
        if (u * side >= x && u * side <= x + length && v * side >= y && v * side <= y + length) hidden[k]++;
      });
    }
    return corners[hidden.indexOf(Math.min(...hidden))];
  }

  drawClose(context, side, close) {
    const length = CLOSE_SHARE * side;
    const [left, top] = this.freeCorner(side, length);
    const [u, v] = this.view.toPlane(close.cx, close.cy);
    const reach = (close.half / this.view.half) * side;
    context.strokeStyle = "#FFFFFF";
    context.lineWidth = 1;
    context.strokeRect(u * side - reach / 2, v * side - reach / 2, reach, reach);
    context.save();
    context.translate(left, top);
    context.beginPath();
    context.rect(0, 0, length, length);
    context.fillStyle = PLANE.ground;
    context.fill();
    context.clip();
    this.drawEllipses(context, length, close);
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    haloText(context, `${Number((this.view.half / close.half).toPrecision(2)).toLocaleString("en")}× closer`, 7, length - 8, PLANE.text);
    context.restore();
    context.strokeStyle = "rgba(255, 255, 255, 0.55)";
    context.strokeRect(left + 0.5, top + 0.5, length - 1, length - 1);
  }

  end() { this.surface.end(); }
}

class Ellipses {
  constructor(parent) {
    const [whole, one] = parent.querySelectorAll("template");
    parent.append(whole.content.cloneNode(true));
    this.one = one;
    this.root = parent.querySelector(".ellipses");
    this.models = [];
    this.same = this.root.querySelector(".same");
    this.same.onclick = () => this.setSame(this.same.getAttribute("aria-pressed") !== "true");
    this.root.querySelector(".share").textContent = `${100 * CLOSE_WIDTH}%`;
    this.root.ellipses = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need. What is shown already stays until they are.
  prepare(header) {
    if (this.headerText) return;
    this.layRow(header);
    showComponent(this.root, true);
  }

  // The figure of each model, in order, without its drawing.
  layRow(header) {
    const row = this.root.querySelector(".row");
    row.replaceChildren(...header.planes.map(() => this.one.content.firstElementChild.cloneNode(true)));
    header.planes.forEach(({ title, told }, number) => {
      row.children[number].querySelector(".title").textContent = title;
      row.children[number].querySelector("figcaption").textContent = told;
    });
    return row.children;
  }

  receive({ header, headerText, tensor }) {
    if (headerText === this.headerText) return;
    this.headerText = headerText;
    for (const model of this.models) model.end();
    const classes = tensor("classes");
    const figures = this.layRow(header);
    this.models = header.planes.map((plane, number) => {
      const [means, sigmas] = ["means", "sigmas"].map((name) => expectLength(name, tensor(`${name}${number}`), 2 * classes.length));
      return new Model(figures[number], plane, { means, sigmas, classes }, { palette: header.palette, labels: header.labels });
    });
    this.setSame(false);
    showComponent(this.root);
  }

  // Both planes as wide as the widest, or each as wide as its codes are.
  setSame(same) {
    this.same.setAttribute("aria-pressed", String(same));
    const widest = Math.max(...this.models.map(({ header: { range: { x: [left, right] } } }) => (right - left) / 2));
    for (const model of this.models) model.look(same ? widest : null);
  }

  // For tests: what is on screen, in numbers.
  state() { return this.models.map(({ view, close, means, sigmas }) => ({ half: view.half, close: close.half, means: Array.from(means), sigmas: Array.from(sigmas) })); }

  end() {
    for (const model of this.models) model.end();
    this.root.remove();
  }
}

export default function (component) {
  const { parentElement } = component;
  const here = () => {
    if (!shown.has(parentElement)) shown.set(parentElement, new Ellipses(parentElement));
    return shown.get(parentElement);
  };
  return withPayload(component, "planes", (payload) => here().receive(payload), () => {
    shown.get(parentElement)?.end();
    shown.delete(parentElement);
  }, { before: (header) => here().prepare(header) });
}
