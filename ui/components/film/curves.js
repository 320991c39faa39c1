// Loss curves by epoch, a chart for each term, with a mark at one epoch. Colours come from the page's theme.

import { FONT } from "../engine/drawing.js";
import { element, takePointer } from "../engine/page.js";
import { roundTicks, signed } from "../engine/view.js";

const LAST_LABEL = 76; // CSS pixels that the last epoch and its neighbour need
const CURVE_MARGIN = { left: 46, right: 10, top: 8, bottom: 20 };

export class Curves {
  epochs;
  panels;
  last;

  // chosen(epoch): what the visitor points at, any whole number from 1 to the last epoch.
  constructor(root, chosen) {
    this.root = root;
    this.chosen = chosen;
    this.charts = [];
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(root);
    this.theme = new MutationObserver(() => this.draw());
    this.theme.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "class"] });
  }

  show({ epochs, panels }, last, at) {
    Object.assign(this, { epochs, panels, last, at });
    const titles = panels.map(({ title, unit = "" }) => `${title}${unit}`).join("|");
    if (titles !== this.titles) {
      this.titles = titles;
      this.charts = panels.map(({ title, unit }) => {
        const canvas = element("canvas", { role: "img" });
        const value = element("span");
        const name = element("b", { textContent: title }, ...(unit ? [element("i", { textContent: `, ${unit}` })] : []));
        const box = element("div", { className: "curve" }, element("div", {}, name, value), canvas);
        this.listen(canvas);
        return { box, canvas, value };
      });
      this.root.replaceChildren(...this.charts.map(({ box }) => box));
    }
    this.draw();
  }

  mark(at) { this.at = at; this.draw(); }

  // Whether not all curves are in nats.
  get mixed() { return this.panels.some(({ unit }) => unit); }

  // Index of the last epoch of a curve that is not after `epoch`.
  indexOf(epoch, epochs) {
    let index = 0;
    while (index + 1 < epochs.length && epochs[index + 1] <= epoch) index++;
    return index;
  }

  // What the curves say at an epoch, in words; with their units where these differ.
  said(epoch) {
    if (!this.epochs.length) return "";
    return this.panels.map(({ title, held_out: values, unit = "nats", epochs = this.epochs }) => (
      `${title} ${figure(values[this.indexOf(epoch, epochs)])}${this.mixed ? ` ${unit}` : ""}`)).join(", ");
  }

  listen(canvas) {
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      const { left, right } = CURVE_MARGIN;
      const share = (event.clientX - box.left - left) / Math.max(1, box.width - left - right);
      this.chosen(Math.round(1 + Math.min(Math.max(share, 0), 1) * (this.last - 1)));
    };
    canvas.addEventListener("pointerdown", (event) => { takePointer(canvas, event); point(event); });
    canvas.addEventListener("pointermove", (event) => { if (canvas.hasPointerCapture(event.pointerId)) point(event); });
  }

  draw() {
    if (!this.panels) return;
    const style = getComputedStyle(this.root);
    const read = (name) => style.getPropertyValue(name).trim();
    const colours = { heldOut: read("--held-out"), training: read("--training"), text: style.color, grid: read("--st-border-color") };
    this.charts.forEach(({ canvas, value }, number) => {
      const panel = { epochs: this.epochs, unit: "nats per held-out image", ...this.panels[number] };
      const { epochs, held_out: values } = panel;
      if (!values.length) {
        value.textContent = "after the first epoch";
        canvas.setAttribute("aria-label", `${panel.title} by epoch: nothing yet`);
        this.clean(canvas);
        return;
      }
      const index = this.indexOf(this.at, epochs);
      value.textContent = `${figure(values[index])} held out${panel.training ? `, ${figure(panel.training[index])} training` : ""}`;
      canvas.setAttribute("aria-label", `${panel.title} by epoch: ${figure(values[0])} after epoch ${epochs[0]}, ${figure(values.at(-1))} after epoch ${epochs.at(-1)}, ${panel.unit}`);
      this.drawChart(canvas, panel, colours);
    });
  }

  // The context of an empty canvas, scaled to CSS pixels; nothing while it has no width.
  clean(canvas) {
    const width = canvas.clientWidth;
    if (!width) return null;
    const ratio = window.devicePixelRatio || 1;
    const [wide, tall] = [Math.round(width * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== wide || canvas.height !== tall) Object.assign(canvas, { width: wide, height: tall });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, canvas.clientHeight);
    return context;
  }

  drawChart(canvas, panel, colours) {
    const context = this.clean(canvas);
    if (!context) return;
    const { clientWidth: width, clientHeight: height } = canvas;
    const { left, right, top, bottom } = CURVE_MARGIN;
    const [low, high] = panel.range;
    const inside = { width: width - left - right, height: height - top - bottom };
    const x = (epoch) => left + ((epoch - 1) / Math.max(1, this.last - 1)) * inside.width;
    const y = (value) => top + (1 - (value - low) / (high - low)) * inside.height;
    context.font = `11px ${FONT}`;
    context.lineWidth = 1;
    context.strokeStyle = colours.grid;
    context.fillStyle = colours.text;
    context.textAlign = "right";
    context.textBaseline = "middle";
    const { ticks, digits } = roundTicks(low, high, Math.min(5, Math.max(1, Math.floor(inside.height / 12))));
    for (const tick of ticks) {
      const at = Math.round(y(tick)) + 0.5;
      context.beginPath();
      context.moveTo(left, at);
      context.lineTo(width - right, at);
      context.stroke();
      context.fillText(signed(tick, digits), left - 6, at);
    }
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    const along = this.last > 1 ? roundTicks(1, this.last, width < 420 ? 4 : 6).ticks : [1];
    const shown = along.filter((tick) => Number.isInteger(tick) && x(tick) < width - right - LAST_LABEL);
    for (const tick of shown) context.fillText(String(tick), x(tick), height - 5);
    context.textAlign = "right";
    context.fillText(`epoch ${this.last}`, width - right, height - 5);
    context.save();
    context.beginPath();
    context.rect(left, top - 4, inside.width + right, inside.height + 8);
    context.clip();
    if (panel.training) this.drawLine(context, panel.epochs, panel.training, x, y, colours.training, [2, 3]);
    this.drawLine(context, panel.epochs, panel.held_out, x, y, colours.heldOut, []);
    context.restore();
    const at = x(this.at);
    context.strokeStyle = colours.text;
    context.beginPath();
    context.moveTo(at, top);
    context.lineTo(at, height - bottom);
    context.stroke();
    const value = panel.held_out[this.indexOf(this.at, panel.epochs)];
    if (value > high || value < low) return;
    context.beginPath();
    context.arc(at, y(value), 4, 0, 2 * Math.PI);
    context.fillStyle = colours.heldOut;
    context.fill();
    context.stroke();
  }

  drawLine(context, epochs, values, x, y, colour, dash) {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.beginPath();
    values.forEach((value, index) => context.lineTo(x(epochs[index]), y(value)));
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 1;
  }

  end() {
    this.resizes.disconnect();
    this.theme.disconnect();
  }
}

// Three or four significant digits, as the size asks for.
const figure = (value) => signed(value, Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
