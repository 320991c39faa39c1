// How training goes on: so many steps a second, as far as a frame has time for them, only while the page is looked at.

const BUDGET = 5; // ms of each frame; drawing takes more
const LONGEST_FRAME = 100; // ms: a page that was hidden does not catch up

export class Pace {
  step;
  draw;
  told;
  wanted;
  rate;
  seen;
  version;

  /**
   * step(): one step; whether to go on. draw(): after the steps of a frame.
   * @param {Element} element what must be in sight
   * @param {{step: () => boolean, draw: () => void, told: () => void}} does
   */
  constructor(element, { step, draw, told }) {
    Object.assign(this, { step, draw, told, wanted: false, rate: Infinity, seen: false, version: 0 });
    this.watcher = new IntersectionObserver((seen) => { this.seen = seen.at(-1).isIntersecting; this.look(); });
    this.watcher.observe(element);
    this.hides = () => this.look();
    document.addEventListener("visibilitychange", this.hides);
  }

  play() { this.wanted = true; this.told(); this.look(); }
  pause() { this.wanted = false; this.told(); this.look(); }

  // Begins or ends the frames, by what is wanted and seen.
  look() {
    const on = this.wanted && this.seen && !document.hidden;
    if (on === Boolean(this.running)) return;
    this.running = on;
    const version = ++this.version;
    if (!on) return;
    let last = null;
    let owed = 0;
    const frame = (now) => {
      if (version !== this.version) return;
      // Without a rate, as many as there is time for: 0 ms times infinity would be no number.
      if (this.rate === Infinity) owed = Infinity;
      else owed += last === null ? 1 : (Math.min(now - last, LONGEST_FRAME) * this.rate) / 1000;
      last = now;
      const end = performance.now() + BUDGET;
      while (owed >= 1) {
        owed--;
        if (!this.step() || version !== this.version) break;
        if (performance.now() >= end) { owed = 0; break; } // what it cannot do in time it leaves out
      }
      this.draw();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  remove() {
    this.version++;
    this.watcher.disconnect();
    document.removeEventListener("visibilitychange", this.hides);
  }
}
