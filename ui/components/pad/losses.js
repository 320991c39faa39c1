// Both terms of one image's loss: bars beside the mean of a test set, and the nats of every pixel.

import { Picture } from "../engine/pictures.js";
import { signed } from "../engine/view.js";

const SCALE_ENDS = [1, 2, 5, 10, 20, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12800];
const RAMP = [[4, 6, 11], [68, 119, 170], [204, 187, 68], [255, 255, 255]]; // dark to light, from Tol's bright scheme

// The first of some round numbers that is at least `value`, else the value.
const roundUp = (value, ends) => ends.find((end) => end >= value) ?? value;

// The ramp in 256 steps, red, green and blue from 0 to 1 each.
const RAMP_STEPS = 255;
const RAMP_TABLE = Array.from({ length: 3 }, (_, channel) => Float32Array.from({ length: RAMP_STEPS + 1 }, (__, step) => {
  const place = (step / RAMP_STEPS) * (RAMP.length - 1);
  const low = Math.min(Math.floor(place), RAMP.length - 2);
  return (RAMP[low][channel] + (place - low) * (RAMP[low + 1][channel] - RAMP[low][channel])) / 255;
}));

export class Losses {
  constructor(root, header) {
    this.find = (selector) => root.querySelector(selector);
    this.header = header;
    this.nats = new Picture(this.find("canvas.nats"), { ...header.image, channels: 3 });
    this.coloured = new Float32Array(3 * header.image.height * header.image.width);
    this.buildMeasured();
  }

  // What a whole test set scores.
  buildMeasured() {
    const { reconstruction, kl, bernoulli_floor: floor, n } = this.header.measured;
    this.known = reconstruction !== null && kl !== null && floor !== null;
    this.find("[data-total=test]").classList.toggle("unknown", !this.known);
    const { measured_on: images = "held-out images" } = this.header.options ?? {};
    this.find("[data-total=test] .name").textContent = this.known ? `mean of ${n.toLocaleString("en")} ${images}, ε sampled` : `${images}: not measured`;
  }

  // p: what Passage.run returned.
  show(p) {
    const total = p.reconstruction + p.klSum;
    const { reconstruction, kl, bernoulli_floor: floor } = this.header.measured;
    const end = roundUp(Math.max(total, this.known ? reconstruction + kl : 0), SCALE_ENDS);
    const fill = (name, terms) => terms.forEach((value, index) => {
      this.find(`[data-total=${name}] .track`).children[index].style.width = `${(100 * Math.max(value, 0)) / end}%`;
    });
    fill("this", [p.floor, p.reconstruction - p.floor, p.klSum]);
    this.find("[data-total=this] .value").textContent = signed(total, 1);
    if (this.known) {
      fill("test", [floor, reconstruction - floor, kl]);
      this.find("[data-total=test] .value").textContent = signed(reconstruction + kl, 1);
    }
    this.find(".scale .end").textContent = signed(end, 0);
    this.find(".reconstruction").textContent = `${signed(p.reconstruction, 1)} nats, floor ${signed(p.floor, 1)}`;
    this.find(".noise").textContent = p.epsilon.every((value) => value === 0) ? "nats, at the mean (ε = 0)" : "nats, one sample of ε";
    this.find(".kl-sum").textContent = `${signed(p.klSum, 1)} nats`;
    this.showMap(p.nats);
  }

  showMap(nats) {
    let most = 0;
    for (const value of nats) if (value > most) most = value;
    const end = roundUp(most, SCALE_ENDS);
    const size = nats.length;
    for (let i = 0; i < size; i++) {
      const step = Math.round((RAMP_STEPS * nats[i]) / end); // at most the last: end is no less than any of them
      for (let channel = 0; channel < 3; channel++) this.coloured[channel * size + i] = RAMP_TABLE[channel][step];
    }
    this.nats.show(this.coloured);
    this.find(".ramp .top").textContent = signed(end, 0);
  }
}
