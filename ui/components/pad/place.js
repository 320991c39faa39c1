// A panel that follows the pad: its approximate posterior in latent space, and what some samples of it decode to.

import { element } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { signed } from "../engine/view.js";
import { now, panel } from "./now.js";
import { HANDS, InsidePlane } from "./plane.js";

const DECODED = 6; // of the samples

class Place {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".place");
    this.find = (selector) => this.root.querySelector(selector);
    this.plane = new InsidePlane(this.root);
    this.find(".strip-note").textContent = String(DECODED);
    this.find(".again").onclick = () => { this.plane.resample(); this.show(this.shown, true); };
    this.root.place = this; // for tests and the browser console
    this.unfollow = now.follow((shown, rested) => this.show(shown, rested));
  }

  build(shown) {
    const { header } = shown;
    this.payload = shown.payload;
    this.root.hidden = false;
    this.plane.build(shown.payload);
    this.drawn = new Picture(this.find(".drawn"), header.image);
    const canvases = Array.from({ length: DECODED }, () => element("canvas"));
    this.pictures = canvases.map((canvas) => new Picture(canvas, header.image));
    this.find(".decoded").replaceChildren(...canvases);
    this.find(".decoded").setAttribute("role", "img");
    this.find(".plane-note").textContent = header.axes[0].startsWith("z") ? "all of it" : "principal plane of the codes, "
      + `${Math.round(100 * header.variance_share)}% of their variance`;
  }

  show(shown, rested) {
    this.shown = shown;
    if (shown.payload !== this.payload) this.build(shown);
    const { passage: p, network, inWords } = shown;
    this.plane.show(p);
    this.drawn.show(p.pixels);
    this.find(".where").textContent = this.plane.outside ? "μ lies beyond the picture." : "";
    if (!rested) return;
    this.plane.samples(p).slice(0, DECODED).forEach((code, i) => this.pictures[i].show(network.decoded(code)));
    this.find(".drawn").setAttribute("aria-label", `x: ${inWords}`);
    this.find(".decoded").setAttribute("aria-label", `${DECODED} samples of z, decoded`);
    this.find(".plane").setAttribute("aria-label", this.inWords(p, shown.header));
  }

  // What the plane shows, for those who do not see it.
  inWords(p, { labels }) {
    const place = this.plane.project(p.mean).map((value) => signed(value)).join(", ");
    const [a, b, c] = this.plane.factor(p.sigma);
    const near = this.plane.classesNear(p.mean, 20).map(([label, count]) => `${count} of ${labels[label]}`).join(", ");
    return `Latent space with the held-out codes and ${HANDS} samples. The approximate posterior of the drawing is at (${place}), `
      + `its standard deviations are ${a.toPrecision(2)} across and ${Math.hypot(b, c).toPrecision(2)} up. `
      + `The 20 nearest held-out codes seen here: ${near}.`;
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { passage } = this.shown;
    return { place: this.plane.project(passage.mean), factor: this.plane.factor(passage.sigma) };
  }

  end() {
    this.unfollow();
    this.plane.end();
    this.root.remove();
  }
}

export default panel(Place);
