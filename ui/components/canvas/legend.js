// The classes: a button for each hides and shows its points, on all linked planes at once.

import { pageLink } from "../engine/link.js";
import { element } from "../engine/page.js";

export class Legend {
  constructor(canvas) {
    this.canvas = canvas;
    this.box = canvas.find(".legend");
  }

  build() {
    this.box.replaceChildren(...this.canvas.header.labels.map((name, label) => {
      const dot = element("i");
      dot.style.background = this.canvas.colour(label);
      const button = element("button", { type: "button", title: "Click to hide or show; Shift and click for this one only" }, dot, name);
      button.onclick = (event) => this.toggle(label, event.shiftKey);
      return button;
    }));
    this.show();
  }

  show() {
    [...this.box.children].forEach((button, label) => button.setAttribute("aria-pressed", String(!this.canvas.hidden.has(label))));
  }

  // alone: this class only, or all of them again. tell: the linked planes too.
  toggle(label, alone, tell = true) {
    const { canvas } = this;
    const all = canvas.header.labels.map((_, index) => index);
    const isAlone = canvas.hidden.size === all.length - 1 && !canvas.hidden.has(label);
    if (alone) canvas.hidden = new Set(isAlone ? [] : all.filter((other) => other !== label));
    else if (!canvas.hidden.delete(label)) canvas.hidden.add(label);
    this.show();
    canvas.drawPoints();
    canvas.layers.fillHeat();
    if (tell) canvas.others().forEach((other) => other.legend.toggle(label, alone, false));
    pageLink.changed();
  }
}
