// A grid of codes: a cell for each, in the colour of its entry and with its number. One cell is chosen by a click, a tap or
// the arrow keys. Where it can be painted on, a pointer that is down paints every cell that it passes.

import { element, takePointer } from "../engine/page.js";

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Grid {
  box;
  on;
  rows;
  columns;
  colours;
  inks;
  chosen = 0;
  codes = [];
  cells = [];
  painting = false;

  // on: {choose(cell)}, and where it can be painted on {begin(), paint(cell), end()}.
  constructor(box, on) {
    Object.assign(this, { box, on });
    box.setAttribute("role", "grid");
    box.classList.add("codes-grid");
    box.classList.toggle("paintable", Boolean(on.paint));
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("pointerdown", (event) => this.press(event));
    if (!on.paint) return;
    box.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) box.addEventListener(end, () => this.release());
  }

  build({ grid: [rows, columns], colours }) {
    Object.assign(this, { rows, columns, colours, inks: colours.map(inkOn), codes: [] });
    this.chosen = Math.min(this.chosen, rows * columns - 1);
    this.cells = Array.from({ length: rows * columns }, () => {
      const cell = element("div", { className: "cell", tabIndex: -1 });
      cell.setAttribute("role", "gridcell");
      return cell;
    });
    this.box.style.setProperty("--columns", String(columns));
    this.box.style.aspectRatio = `${columns} / ${rows}`;
    this.box.replaceChildren(...Array.from({ length: rows }, (_, row) => {
      const line = element("div", { className: "row" }, ...this.cells.slice(row * columns, (row + 1) * columns));
      line.setAttribute("role", "row");
      return line;
    }));
    this.mark(this.chosen);
  }

  // A code for each cell; null where there is none.
  show(codes) {
    codes.forEach((code, index) => {
      if (code === this.codes[index]) return;
      const cell = this.cells[index];
      cell.textContent = code === null ? "" : String(code);
      cell.style.background = code === null ? "transparent" : this.colours[code];
      cell.style.color = code === null ? "" : this.inks[code];
    });
    this.codes = Array.from(codes);
  }

  // The chosen cell; the others named are lit with it.
  mark(chosen) {
    this.chosen = chosen;
    this.cells.forEach((cell, index) => {
      cell.setAttribute("aria-selected", String(index === chosen));
      cell.tabIndex = index === chosen ? 0 : -1;
    });
  }

  // Cells that differ from what they were: a dot in their corner.
  flag(changed) { this.cells.forEach((cell, index) => cell.classList.toggle("changed", changed(index))); }

  // Cells to be seen among the others; none: all alike.
  light(lit) {
    const some = this.codes.some((_, index) => lit(index));
    this.cells.forEach((cell, index) => cell.classList.toggle("faint", some && !lit(index)));
  }

  place(cell) { return `row ${Math.floor(cell / this.columns) + 1}, column ${(cell % this.columns) + 1}`; }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { rows, columns, chosen } = this;
    if (event.key in MOVES) {
      const [down, right] = MOVES[event.key];
      const row = Math.min(Math.max(Math.floor(chosen / columns) + down, 0), rows - 1);
      const column = Math.min(Math.max((chosen % columns) + right, 0), columns - 1);
      this.choose(row * columns + column);
      this.cells[this.chosen].focus();
    } else if (event.key === " " || event.key === "Enter") this.act(chosen);
    else return;
    event.preventDefault();
  }

  // Space or Enter.
  act(cell) {
    if (!this.on.paint) { this.choose(cell); return; }
    this.on.begin();
    this.on.paint(cell);
    this.on.end();
  }

  choose(cell) {
    this.mark(cell);
    this.on.choose(cell);
  }

  // The cell below a place on the screen; -1 outside.
  at({ clientX, clientY }) {
    const { left, top, width, height } = this.box.getBoundingClientRect();
    const [row, column] = [Math.floor(((clientY - top) / height) * this.rows), Math.floor(((clientX - left) / width) * this.columns)];
    return row < 0 || column < 0 || row >= this.rows || column >= this.columns ? -1 : row * this.columns + column;
  }

  press(event) {
    const cell = this.at(event);
    if (event.button !== 0 || cell < 0 || this.painting) return;
    if (!this.on.paint) { this.choose(cell); return; }
    takePointer(this.box, event);
    this.painting = true;
    this.pointer = event.pointerId;
    this.last = event;
    this.on.begin();
    this.choose(cell);
    this.on.paint(cell);
  }

  // Every cell between two reports of the pointer is passed.
  drag(event) {
    if (!this.painting || event.pointerId !== this.pointer) return;
    const from = this.last;
    const size = this.box.clientWidth / this.columns;
    const steps = Math.max(1, Math.ceil((2 * Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY)) / size));
    for (let step = 1; step <= steps; step++) {
      const along = (start, end) => start + ((end - start) * step) / steps;
      const cell = this.at({ clientX: along(from.clientX, event.clientX), clientY: along(from.clientY, event.clientY) });
      if (cell >= 0 && cell !== this.chosen) { this.choose(cell); this.on.paint(cell); }
    }
    this.last = event;
  }

  release() {
    if (!this.painting) return;
    this.painting = false;
    this.on.end();
  }
}

// Black or white, whichever is easier to read on a colour "#rrggbb" (WCAG's relative luminance).
function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}
