// What is on the pad now, for the panels further down the page that show more of it. They are told once a frame, however
// many times the pen moved.

import { endOf } from "../engine/page.js";

export class Now {
  constructor() {
    this.shown = null;
    this.followers = new Set();
    this.waiting = 0;
  }

  // shown: what the followers need: of "Inside the VAE" the component itself, whose passage is what Passage.run returned.
  // rested: the pen is up, so that there is time for what takes longer.
  publish(shown, rested = false) {
    this.shown = shown;
    this.rested = rested;
    if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.tell(); });
  }

  tell() { for (const follower of this.followers) follower(this.shown, this.rested); }

  // follower(shown, rested) is called now, if there is something, and whenever it changes. Gives what ends that.
  follow(follower) {
    this.followers.add(follower);
    if (this.shown) follower(this.shown, true);
    return () => this.followers.delete(follower);
  }

  // The pad is gone from the page.
  end() { this.shown = null; }
}

// The one of the page "Inside the VAE".
export const now = new Now();

// The default export of a panel's module: one `Panel` for each mount point.
export function panel(Panel) {
  const panels = new Map();
  return (call) => {
    const { parentElement } = call;
    if (!panels.has(parentElement)) panels.set(parentElement, new Panel(parentElement));
    return endOf(call, () => {
      panels.get(parentElement)?.end();
      panels.delete(parentElement);
    });
  };
}
