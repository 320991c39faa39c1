// Arrows between the boxes of the network, drawn where the page has put the boxes.

const SVG = "http://www.w3.org/2000/svg";
const BEND = 0.5; // of the way: where an arrow's curve pulls

export class Wires {
  svg;
  flow;
  routes;

  // flow: the element that holds the boxes and an svg. routes: [[from, to, what], ...], names of boxes (data-box).
  constructor(flow, routes) {
    Object.assign(this, { flow, routes, svg: flow.querySelector("svg.wires") });
    this.box = (name) => flow.querySelector(`[data-box="${name}"]`);
    this.paths = routes.map(([from, to]) => {
      const path = document.createElementNS(SVG, "path");
      Object.assign(path.dataset, { from, to });
      return path;
    });
    this.svg.querySelector("g").replaceChildren(...this.paths);
    this.resizes = new ResizeObserver(() => this.lay());
    this.resizes.observe(flow);
  }

  lay() {
    const frame = this.flow.getBoundingClientRect();
    if (!frame.width) return;
    this.svg.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    this.routes.forEach(([from, to], index) => {
      const [one, other] = [from, to].map((name) => {
        const { left, right, top, bottom } = this.box(name).getBoundingClientRect();
        return { left: left - frame.left, right: right - frame.left, top: top - frame.top, bottom: bottom - frame.top };
      });
      this.paths[index].setAttribute("d", other.left >= one.right ? across(one, other) : upright(one, other));
    });
  }

  // Which arrows are lit, and which the gradient takes backwards: sets of "from>to", or null for all of them lit.
  light(lit, back = new Set()) {
    this.routes.forEach(([from, to], index) => {
      const name = `${from}>${to}`;
      this.paths[index].classList.toggle("dim", Boolean(lit) && !lit.has(name) && !back.has(name));
      this.paths[index].classList.toggle("back", back.has(name));
    });
  }

  end() { this.resizes.disconnect(); }
}

// From a box's right side to the next one's left side, level where the two overlap in height.
function across(one, other) {
  const low = Math.max(one.top, other.top);
  const high = Math.min(one.bottom, other.bottom);
  const level = (low + high) / 2;
  const y0 = low < high ? level : (one.top + one.bottom) / 2;
  const y1 = low < high ? level : (other.top + other.bottom) / 2;
  const x = one.right + BEND * (other.left - one.right);
  return `M ${one.right + 2} ${y0} C ${x} ${y0} ${x} ${y1} ${other.left - 3} ${y1}`;
}

// From a box's lower side to the upper side of one below it, or from its upper side to the lower side of one above.
function upright(one, other) {
  const low = Math.max(one.left, other.left);
  const high = Math.min(one.right, other.right);
  const middle = (low + high) / 2;
  const x0 = low < high ? middle : (one.left + one.right) / 2;
  const x1 = low < high ? middle : (other.left + other.right) / 2;
  const below = other.top >= one.bottom;
  const [y0, y1] = below ? [one.bottom + 2, other.top - 3] : [one.top - 2, other.bottom + 3];
  const y = y0 + BEND * (y1 - y0);
  return `M ${x0} ${y0} C ${x0} ${y} ${x1} ${y} ${x1} ${y1}`;
}
