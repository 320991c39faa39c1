// One model's half of the toy: its plane, what lies on it, its figures and its losses.

import { Curves, History } from "./curves.js";
import { Scene } from "./scene.js";
import { element, named } from "../engine/page.js";
import { signed } from "../engine/view.js";

export class Panel {
  /**
   * layers: {name: title} of what its plane may show. losses: {name: title}, in the order of the colours of its curves.
   * @param {Element} root
   * @param {{half: number, layers: Record<string, string>, losses: Record<string, string>, level?: object, redraw: () => void}} options
   */
  constructor(root, { half, layers, losses, level = null, redraw }) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.plane = this.find(".plane");
    this.canvas = this.find("canvas");
    this.scene = new Scene(this.canvas, half);
    this.shown = new Set(Object.keys(layers));
    this.find(".legend").replaceChildren(...Object.entries(layers).map(([name, title]) => {
      const button = element("button", { type: "button", title: "Hide or show" }, element("i", { className: name }), title);
      button.setAttribute("aria-pressed", "true");
      button.onclick = () => {
        if (!this.shown.delete(name)) this.shown.add(name);
        button.setAttribute("aria-pressed", String(this.shown.has(name)));
        redraw();
      };
      return button;
    }));
    this.history = new History(Object.keys(losses));
    this.titles = losses;
    this.curves = new Curves(this.find(".curves"), this.history, level);
    this.lossBoxes = Object.fromEntries(Object.keys(losses).map((name) => [name, element("dd")]));
  }

  // figures: [[term, text]]. losses: the newest, or null before there are any. Terms are made anew only if they change.
  tell(figures, losses) {
    const rows = [...figures, ...Object.entries(this.titles).map(([name, title]) => [title, losses ? signed(losses[name]) : "–", name])];
    const terms = rows.map(([term]) => term).join("|");
    if (terms !== this.terms) {
      this.terms = terms;
      this.values = rows.map(() => element("dd"));
      this.find(".figures").replaceChildren(...rows.map(([term, , name], k) =>
        element("div", { className: name ?? "" }, element("dt", { textContent: term }), this.values[k])));
    }
    rows.forEach(([, text], k) => { if (this.values[k].textContent !== text) this.values[k].textContent = text; });
  }

  name(sentence) { named(this.canvas, sentence); }

  // Whether one may draw on the plane. Its name stays while it trains: what is seen is the picture's name.
  setDrawable(drawable) {
    this.plane.classList.toggle("drawable", drawable);
    const keys = drawable ? "Arrows move a cross, Enter puts a dot, Space plays or pauses" : "Space plays or pauses";
    this.plane.setAttribute("aria-label", `Plane of the ${this.root.getAttribute("aria-label")}. ${keys}.`);
  }
}
