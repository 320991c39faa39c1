// Which number of a code found which known factor: a table whose cells show what the decoder makes along that number.

import { Decoder } from "../engine/interpreter.js";
import { arrowStep } from "../engine/keys.js";
import { pageLink, unlike } from "../engine/link.js";
import { element, mounting, named, showComponent } from "../engine/page.js";
import { signed } from "../engine/view.js";
import { nameOf } from "./numbers.js";
import { Strip, alongNumber, spaced } from "./strip.js";

const TILES = 9;

class Matrix {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".matrix");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.find("table").addEventListener("keydown", (event) => this.key(event));
    this.root.matrix = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need.
  prepare(header) {
    if (this.decoder) return;
    this.showFrame(header);
    showComponent(this.root, true);
  }

  update(payload) {
    if (payload.headerText === this.headerText) return;
    const isNew = !this.decoder;
    this.headerText = payload.headerText;
    this.showFrame(payload.header);
    this.decoder = Decoder.ofCodes(payload);
    this.choose(...this.best());
    if (isNew) pageLink.join(this);
    this.failed.hidden = true;
    showComponent(this.root);
  }

  // What the header alone decides.
  showFrame(header) {
    this.header = header;
    const { numbers, factors, values, measure, image } = header;
    const most = factors.map((_name, column) => Math.max(...values.map((row) => row[column])));
    this.buttons = [];
    const head = element("tr", {}, element("td"), ...factors.map((name) => element("th", { scope: "col", textContent: name })));
    const body = numbers.map(({ index, used }, row) => {
      const cells = factors.map((factor, column) => {
        const value = values[index][column];
        const button = element("button", { type: "button", textContent: value.toFixed(2), tabIndex: -1 });
        button.style.setProperty("--share", String(Math.min(1, Math.max(0, value))));
        button.setAttribute("aria-label", `${nameOf(index)} and ${factor}: ${measure} ${value.toFixed(2)}`);
        button.addEventListener("click", () => this.press(row, column));
        this.buttons.push(button);
        const cell = element("td", {}, button);
        cell.classList.toggle("most", value > 0 && value === most[column]);
        return cell;
      });
      const name = element("th", { scope: "row", textContent: nameOf(index) });
      if (!used) name.append(element("small", { textContent: "not used" }));
      const line = element("tr", {}, name, ...cells);
      line.classList.toggle("off", !used);
      return line;
    });
    const table = this.find("table");
    table.setAttribute("aria-label", `${measure} of each number of the code and each factor`);
    table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
    const [first] = numbers;
    this.strip = new Strip(this.find(".strip canvas"), image, first.levels ?? TILES);
    this.mark(...this.best());
  }

  // The cell that says most.
  best() {
    const { numbers, values } = this.header;
    const cells = numbers.flatMap(({ index }, row) => values[index].map((value, column) => ({ value, row, column })));
    const best = cells.reduce((one, other) => (other.value > one.value ? other : one));
    return [best.row, best.column];
  }

  press(row, column) {
    this.choose(row, column);
    pageLink.changed();
  }

  mark(row, column) {
    const columns = this.header.factors.length;
    this.at = [row, column];
    this.buttons.forEach((button, place) => {
      const chosen = place === row * columns + column;
      button.setAttribute("aria-pressed", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    });
  }

  choose(row, column) {
    const { numbers, told } = this.header;
    this.mark(row, column);
    const { index, low, high, levels } = numbers[row];
    const mean = new Float32Array(numbers.length);
    for (const { index: other, centre } of numbers) mean[other] = centre;
    this.strip.show(this.decoder.decode(alongNumber(mean, index, spaced(low, high, levels ?? TILES))));
    named(this.find(".strip canvas"), `Faces along ${nameOf(index)}, the other numbers at their mean`);
    this.find(".told").textContent = told[index][column];
    this.find(".low").textContent = `${nameOf(index)} = ${signed(low)}`;
    this.find(".high").textContent = `${nameOf(index)} = ${signed(high)}`;
  }

  // Tab stops at one cell, from which the arrow keys go to the others.
  key(event) {
    const step = arrowStep(event);
    if (!step) return;
    event.preventDefault();
    const { numbers, factors } = this.header;
    const [row, column] = this.at;
    const within = (value, count) => Math.min(Math.max(value, 0), count - 1);
    this.press(within(row + Math.sign(step[1]), numbers.length), within(column + Math.sign(step[0]), factors.length));
    this.buttons[this.at[0] * factors.length + this.at[1]].focus();
  }

  // For the page's link: the number and the factor, both counted from 1.
  linked() {
    return { cell: unlike(this.text(this.at), this.text(this.best())) };
  }

  text(at) { return `${this.header.numbers[at[0]].index + 1}-${at[1] + 1}`; }

  usual() { return { cell: this.text(this.best()) }; }

  restore({ cell }) {
    const [number, factor] = cell.split("-").map(Number);
    const row = this.header.numbers.findIndex(({ index }) => index === number - 1);
    if (row >= 0 && factor >= 1 && factor <= this.header.factors.length) this.choose(row, factor - 1);
  }

  remove() {
    pageLink.leave(this);
    this.root.remove();
  }
}

export default mounting(Matrix, "table");
