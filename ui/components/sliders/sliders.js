// A slider for every latent dimension, and the image that all of them together decode to.

import { Decoder } from "../engine/interpreter.js";
import { element, mounting, named, showComponent } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";

const STEPS = 200; // from end to end

// One standard normal number (Box and Muller 1958).
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

class LatentSliders {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".latent-sliders");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.find(".tools").addEventListener("click", (event) => this.all(event.target.closest("button")?.dataset.do));
    this.root.latentSliders = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need. What is shown already stays until they are.
  prepare(header) {
    if (this.decoder) return;
    this.showFrame(header);
    showComponent(this.root, true);
  }

  update(payload) {
    if (payload.headerText === this.headerText) return;
    this.headerText = payload.headerText;
    this.showFrame(payload.header);
    this.decoder = Decoder.ofCodes(payload);
    this.all("mean");
    this.failed.hidden = true;
    showComponent(this.root);
  }

  // What the header alone decides.
  showFrame(header) {
    this.header = header;
    this.picture = new Picture(named(this.find(".decoded"), "The image that the sliders decode to"), this.header.image);
    this.z = new Float32Array(this.header.dimensions.length);
    this.rows = this.header.dimensions.map((dimension) => this.row(dimension));
    this.find(".rows").replaceChildren(...this.rows.map(({ label }) => label));
  }

  row(dimension) {
    const { index, centre, reach, active } = dimension;
    const input = element("input", { type: "range", min: String(centre - reach), max: String(centre + reach), step: String((2 * reach) / STEPS) });
    const value = element("output");
    const name = `z${[...String(index + 1)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).join("")}`;
    const label = element("label", { title: active ? `Latent dimension ${index + 1}` : `Latent dimension ${index + 1}: the model does not use it` }, element("span", { textContent: active ? name : `${name} off` }), input, value);
    label.classList.toggle("off", !active);
    input.addEventListener("input", () => this.set(index, input.valueAsNumber));
    return { dimension, input, value, label };
  }

  // One dimension moves; the image follows.
  set(index, value) {
    this.z[index] = value;
    this.show();
  }

  all(how) {
    if (how !== "mean" && how !== "sample") return;
    for (const { dimension, input } of this.rows) {
      const { index, centre, spread } = dimension;
      const [mean, deviation] = this.header.prior ? [0, 1] : [centre, spread];
      this.z[index] = how === "mean" ? centre : mean + deviation * normal();
      input.value = String(this.z[index]);
    }
    this.show();
    this.find(".live").textContent = how === "mean" ? "Every dimension at its mean." : "A sample.";
  }

  show() {
    for (const { dimension, value } of this.rows) value.textContent = this.z[dimension.index].toFixed(2).replace("-", "−");
    this.picture.show(this.decoder.decode(this.z));
  }

  remove() { this.root.remove(); }
}

export default mounting(LatentSliders, "set of sliders");
