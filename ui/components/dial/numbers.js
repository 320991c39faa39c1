// The numbers measured on a stop: the two loss terms, the KL of each dimension, and three measures. Never interpolated.

import { element } from "../engine/page.js";
import { signed } from "../engine/view.js";

const DASH = "–";

const told = (value, digits) => (value === null ? DASH : signed(value, digits));
const short = (value) => signed(value, value < 9.95 ? 1 : 0);

// Without a KL term it is a few millionths: two decimals would say 0.
function ratio(value) {
  if (value === null) return DASH;
  return value === 0 || value >= 0.01 ? signed(value, value < 10 ? 2 : 0) : value.toExponential(1);
}

// "β = 4, reconstruction 144.4 nats, KL 4.4 nats"
export function stopSentence({ name, reconstruction, kl }) {
  return `${name}, reconstruction ${told(reconstruction, 1)} nats, KL ${told(kl, 1)} nats`;
}

export class Numbers {
  constructor(root, header) {
    this.find = (selector) => root.querySelector(selector);
    this.header = header;
    this.find(".losses .end").textContent = signed(header.loss_scale, 0);
    this.columns = Array.from({ length: header.dimensions }, () => {
      const column = { bar: element("i"), number: element("span") };
      column.box = element("div", {}, element("div", {}, column.bar), column.number);
      return column;
    });
    this.find(".dimensions .chart").replaceChildren(...this.columns.map(({ box }) => box));
  }

  show(stop) {
    this.showLosses(stop);
    this.showDimensions(stop);
    const share = stop.hole_rate === null ? DASH : `${signed(100 * stop.hole_rate, 1)}%`;
    this.find(".hole-rate").textContent = share;
    this.find(".sigma").textContent = ratio(stop.sigma_over_spread);
    this.find(".measured").textContent = stop.measured;
  }

  // One bar: reconstruction, then KL. What does not fit on the scale is cut, and looks cut.
  showLosses({ reconstruction, kl, weights }) {
    const end = this.header.loss_scale;
    const first = Math.min(reconstruction ?? 0, end);
    const second = Math.min(kl ?? 0, end - first);
    const bar = this.find(".losses .bar");
    bar.style.setProperty("--reconstruction", first / end);
    bar.style.setProperty("--kl", second / end);
    const cut = (reconstruction ?? 0) + (kl ?? 0) > end * 1.001;
    bar.classList.toggle("cut", cut);
    const parts = [reconstruction, kl].filter((_, k) => weights[k]); // a term of weight 0 was not in the loss
    const loss = parts.includes(null) ? null : weights[0] * (reconstruction ?? 0) + weights[1] * (kl ?? 0);
    this.find(".losses .reconstruction").textContent = told(reconstruction, 1);
    this.find(".losses .kl").textContent = told(kl, 1);
    this.find(".losses .weighted").textContent = told(loss, 1);
    bar.setAttribute("aria-label", `reconstruction ${told(reconstruction, 1)} nats, KL ${told(kl, 1)} nats, weighted sum `
      + `${told(loss, 1)} nats${cut ? ", cut at the end of the scale" : ""}`);
  }

  // Largest first: a dimension is another one in every stop.
  showDimensions({ kl_per_dimension: divergences, active }) {
    const order = this.columns.map((_, index) => index);
    if (divergences) order.sort((one, other) => divergences[other] - divergences[one]);
    order.forEach((dimension, k) => {
      const { bar, box, number } = this.columns[k];
      const value = divergences ? divergences[dimension] : null;
      const share = (value ?? 0) / this.header.kl_scale;
      bar.style.height = `${100 * Math.max(0, Math.min(1, share))}%`;
      box.className = `${active?.[dimension] ? "active" : "hollow"}${share > 1.001 ? " cut" : ""}`;
      number.textContent = value === null ? DASH : short(value);
    });
    const count = active ? active.filter(Boolean).length : DASH;
    this.find(".units").textContent = `active units ${count} of ${this.columns.length}`;
    const values = divergences ? order.map((dimension) => short(divergences[dimension])).join(", ") : "not measured";
    this.find(".dimensions .chart").setAttribute("aria-label", `KL of each dimension in nats: ${values}`);
  }
}
