// A is to B as C is to ?: the code C + B - A, decoded, beside the true answer, which the renderer draws. A and B are the
// same head but for one feature. Where nothing draws heads, A, B and C are held-out images, and no true answer is known.

import { pageLink, rounded, unlike } from "../engine/link.js";
import { element, mounting } from "../engine/page.js";
import { signed } from "../engine/view.js";
import { OfHeads, button, errorText, mean, withArtist } from "./heads.js";

const USUAL = { feature: 1, a: 1, b: 2, c: 3 };

class Analogy extends OfHeads {
  feature = USUAL.feature;

  a = USUAL.a;

  b = USUAL.b;

  c = USUAL.c;

  more = null; // by how much the feature changes from A to B, as a share of its range; null: as much as can be

  constructor(parent) {
    super(parent, "analogy");
    this.input = this.find(".more input");
    this.input.addEventListener("input", () => this.change(this.input.valueAsNumber));
    this.find(".feature").addEventListener("change", ({ target }) => this.choose({ feature: Number(target.value) }));
  }

  /** @override */
  frame({ factors }) {
    this.pictures = {
      a: this.picture(".a", "A"), b: this.picture(".b", "B"), c: this.picture(".c", "C"),
      answer: this.picture(".answer", "What is decoded of the code C + B − A"), true: this.picture(".true", "The true answer, as it is rendered"),
    };
    this.input.setAttribute("aria-label", "By how much the feature changes from A to B");
    if (this.isRendered) this.find(".feature").replaceChildren(...factors.map(({ name }, place) => element("option", { value: String(place + 1), textContent: name })));
    const letters = this.isRendered ? ["a", "c"] : ["a", "b", "c"];
    this.find(".buttons").replaceChildren(...letters.map((letter) => button(`Another ${letter.toUpperCase()}`, () => this.choose({ [letter]: this.next(this[letter], letter === "c" ? this.a : this.c) }))));
  }

  get factor() { return this.header.factors[this.feature - 1]; }

  // Another feature or another head; B again as far from A as can be.
  choose(changed) {
    Object.assign(this, changed, { more: null });
    this.find(".note").textContent = "";
    this.place();
    pageLink.changed();
  }

  change(more) {
    const since = performance.now();
    this.more = more;
    if (!this.decoder || (this.isRendered && !this.artist)) return;
    this.show();
    this.timings.note(since);
    pageLink.changed();
  }

  // How far B can go from A, to less and to more, so that C can go as far: in shares of the feature's range.
  reach(a, c) {
    const { values } = this.header;
    const place = this.feature - 1;
    const { low, high } = this.factor;
    const [one, other] = [values[a - 1][place], values[c - 1][place]];
    return [Math.min(0, low - Math.min(one, other)) / (high - low), Math.max(0, high - Math.max(one, other)) / (high - low)];
  }

  farthest(a, c) {
    const [low, high] = this.reach(a, c);
    return -low > high ? low : high;
  }

  // A head with so much more of the feature.
  changed(number, more) {
    const { low, high } = this.factor;
    const place = this.feature - 1;
    const values = this.header.values[number - 1];
    return this.drawn(values.with(place, values[place] + more * (high - low)));
  }

  /** @override */
  begin() {
    const { heads } = this.header;
    for (const letter of ["a", "b", "c"]) this[letter] = Math.min(this[letter], heads);
    if (!this.isRendered) return;
    this.find(".feature").value = String(this.feature);
    const [low, high] = this.reach(this.a, this.c);
    Object.assign(this.input, { min: String(low), max: String(high), step: "any" });
    this.find(".name").textContent = `From A to B, “${this.factor.name}” changes by`;
  }

  // The pictures of one analogy, and its codes.
  solved(a, c, more) {
    const [one, third] = [this.head(a), this.head(c)];
    const other = this.isRendered ? this.changed(a, more) : this.head(this.b);
    const [codeA, codeB, codeC] = [one, other, third].map((pixels) => this.code(pixels));
    const code = codeC.map((value, i) => value + codeB[i] - codeA[i]);
    return { a: one, b: other, c: third, code, answer: this.made(code), codeC, true: this.isRendered ? this.changed(c, more) : null };
  }

  /** @override */
  show() {
    const { header: { noun }, isRendered } = this;
    if (isRendered) {
      const [low, high] = this.reach(this.a, this.c);
      this.by = Math.min(high, Math.max(low, this.more ?? this.farthest(this.a, this.c)));
      this.input.value = String(this.by);
      this.find(".more output").textContent = this.told();
    }
    this.shown = this.solved(this.a, this.c, this.by);
    for (const [name, picture] of Object.entries(this.pictures)) if (this.shown[name]) picture.show(this.shown[name]);
    this.find(".name-a").textContent = `A: held-out ${noun} ${this.a}`;
    this.find(".name-b").textContent = isRendered ? `B: A, ${this.factor.name} ${this.told()}` : `B: held-out ${noun} ${this.b}`;
    this.find(".name-c").textContent = `C: held-out ${noun} ${this.c}`;
    if (isRendered) this.showErrors();
  }

  told() {
    const { low, high, unit } = this.factor;
    const by = this.by * (high - low);
    return `${by > 0 ? "+" : ""}${signed(by, unit ? 0 : 2)}${unit ? ` ${unit}`.replace(" °", "°") : ""}`;
  }

  showErrors() {
    const { shown } = this;
    this.errors = {
      answer: this.error(shown.answer, shown.true),
      unchanged: this.error(this.made(shown.codeC), shown.true),
      best: this.error(this.made(this.code(shown.true)), shown.true),
    };
    const most = Math.max(...Object.values(this.errors));
    for (const [name, error] of Object.entries(this.errors)) {
      this.find(`.error-${name}`).textContent = errorText(error);
      this.find(`.bar-${name}`).style.setProperty("--share", String(most ? error / most : 0));
    }
  }

  // Every other head as C, B as far from A as both can go.
  /** @override */
  measure() {
    if (!this.isRendered) return;
    const { a } = this;
    this.forAll((number) => {
      if (number === a) return null;
      const found = this.solved(a, number, this.farthest(a, number));
      return [this.error(found.answer, found.true), this.error(this.made(found.codeC), found.true)];
    }, (all) => {
      this.found = all.filter(Boolean);
      const nearer = this.found.filter(([answer, unchanged]) => answer < unchanged).length;
      this.find(".over").textContent = `With each of the other ${this.found.length} heads as C, and B as far from A as both can go: ${errorText(mean(this.found.map(([answer]) => answer)))} on average, C unchanged ${errorText(mean(this.found.map(([, unchanged]) => unchanged)))}. The answer is nearer for ${nearer} of ${this.found.length}.`;
    });
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  text({ feature, a, b, c }) { return this.isRendered ? `${feature}-${a}-${c}` : `${a}-${b}-${c}`; }

  linked() {
    return { analogy: unlike(this.text(this), this.text(USUAL)), more: this.more === null ? "" : rounded(this.more) };
  }

  usual() { return { analogy: this.text(USUAL), more: null }; }

  restore({ analogy = this.text(this), more = null }) {
    this.find(".note").textContent = "";
    const [first, ...others] = analogy.split("-").map(Number);
    if (this.isRendered) {
      [this.a, this.c] = this.within(others);
      this.feature = Math.min(first, this.header.factors.length);
      if (this.feature < first) this.find(".note").append(" The link names a feature beyond the last, which is shown instead.");
    } else [this.a, this.b, this.c] = this.within([first, ...others]);
    this.more = more;
    this.place();
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { feature, a, b, c, by, shown, errors, found } = this;
    const pictures = Object.fromEntries(["a", "b", "c", "answer", "true"].map((name) => [name, Array.from(shown?.[name] ?? [])]));
    return { feature, heads: [a, b, c], by, code: Array.from(shown?.code ?? []), pictures, errors, found };
  }
}

export default mounting(Analogy, "analogy", withArtist);
