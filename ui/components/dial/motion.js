// Where the dial stands and how it gets elsewhere, one animation frame at a time. Knows no screen.

import { still } from "../engine/page.js";

const GLIDE_MS = 150;
const STEP_MS = 1400; // of Play, from stop to stop
const HOLD_MS = 500; // of them it stands on a stop, so that its numbers can be read
const LONGEST_FRAME_MS = 100; // a page that was hidden goes on where it was

export class Motion {
  version;
  limits;
  moved;

  // moved(position): draw it. limits(): first and last place it may go to.
  constructor({ moved, limits }) {
    Object.assign(this, { moved, limits, position: 0, version: 0, goal: null });
  }

  // Ends what is under way.
  cancel() {
    this.version++;
    this.goal = null;
  }

  move(position) {
    const [low, high] = this.limits();
    this.position = Math.min(Math.max(position, low), high);
    this.moved(this.position);
  }

  // Calls step(milliseconds since the last frame) until it says that it is done, then done().
  run(step, done) {
    const version = ++this.version;
    let last = null;
    const frame = (now) => {
      if (version !== this.version) return;
      const passed = last === null ? 0 : Math.min(now - last, LONGEST_FRAME_MS);
      last = now;
      if (!step(passed)) { requestAnimationFrame(frame); return; }
      if (version !== this.version) return;
      this.goal = null;
      done?.();
    };
    requestAnimationFrame(frame);
  }

  // Goes where the visitor's hand is, in the next frame: of several events before it, the last one counts.
  follow(position) {
    this.goal = null;
    this.run(() => { this.move(position); return true; });
  }

  // Goes to a stop. Where motion is unwelcome it jumps, and still takes its time until done().
  glide(goal, done) {
    const from = this.position;
    let elapsed = 0;
    this.run((passed) => {
      elapsed += passed;
      const share = Math.min(1, elapsed / GLIDE_MS);
      this.move(still() || share === 1 ? goal : from + (goal - from) * (1 - (1 - share) ** 3));
      return share === 1;
    }, done);
    this.goal = goal;
  }

  // Goes from the stop it is on to the last one, standing a while on each; waits for stops that have not arrived.
  play(last, done) {
    let elapsed = Math.round(this.position) * STEP_MS;
    this.run((passed) => {
      const [, high] = this.limits();
      elapsed = Math.min(elapsed + passed, high * STEP_MS + (high < last ? HOLD_MS : 0));
      const stop = Math.floor(elapsed / STEP_MS);
      const share = Math.max(0, (elapsed - stop * STEP_MS - HOLD_MS) / (STEP_MS - HOLD_MS));
      this.move(still() ? stop : stop + share * share * (3 - 2 * share));
      return stop >= last;
    }, done);
  }
}
