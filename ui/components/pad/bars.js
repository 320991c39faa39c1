// Bars by latent dimension: μ, σ, ε, z and the KL. One of the dimensions is chosen in all of them at once.

import { element } from "../engine/page.js";
import { signed } from "../engine/view.js";

const WRITTEN = 4; // up to so many dimensions have their numbers under the bars

// A number short enough to stand under a bar; a very small one as a power of ten.
export function brief(value) {
  if (value === 0) return "0";
  if (Math.abs(value) >= 100) return signed(value, 0);
  if (Math.abs(value) >= 0.01) return signed(value, Math.abs(value) < 0.1 ? 3 : 2);
  const power = Math.floor(Math.log10(Math.abs(value)));
  const digits = String(Math.abs(power)).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
  return `${signed(value / 10 ** power, 1)}·10⁻${digits}`;
}

export class Bars {
  end;
  box;

  // end: where the scale ends; signed ones go from -end to end. choose(dimension): the visitor points at one.
  constructor(box, dimensions, { end, twoSided, choose }) {
    Object.assign(this, { box, end, twoSided });
    this.columns = Array.from({ length: dimensions }, (_, index) => {
      const bar = element("i");
      const number = element("span");
      const column = element("div", { className: "bar" }, element("div", {}, bar), number);
      column.addEventListener("pointerenter", () => choose(index));
      column.addEventListener("pointerdown", () => choose(index));
      return { bar, number, column };
    });
    box.replaceChildren(...this.columns.map(({ column }) => column));
    box.classList.toggle("two-sided", twoSided);
    box.classList.toggle("written", dimensions <= WRITTEN);
    this.written = dimensions <= WRITTEN;
  }

  show(values) {
    this.columns.forEach(({ bar, number, column }, index) => {
      const share = values[index] / this.end;
      bar.style.transform = `scaleY(${Math.min(Math.max(share, -1), 1)})`;
      column.classList.toggle("cut", Math.abs(share) > 1.001);
      if (this.written) number.textContent = brief(values[index]);
    });
  }

  choose(index) {
    this.columns.forEach(({ column }, k) => column.classList.toggle("chosen", k === index));
  }

  // For those who do not see the bars.
  tell(name, values) {
    this.box.setAttribute("aria-label", `${name} by dimension: ${Array.from(values, brief).join(", ")}`);
  }
}
