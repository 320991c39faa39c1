// Long work in slices, a little in every frame.

// Shared by all canvases of the page: long work in slices, at most SLICE_MS per frame in all.
const SLICE_MS = 12;
export const slices = {
  jobs: [],
  running: false,
  add(job) {
    this.jobs.push(job);
    if (!this.running) { this.running = true; requestAnimationFrame(() => this.frame()); }
  },
  frame() {
    const end = performance.now() + SLICE_MS;
    while (this.jobs.length && performance.now() < end) {
      const job = this.jobs.shift();
      if (job()) this.jobs.push(job); // round robin, so that two planes fill together
    }
    if (this.jobs.length) requestAnimationFrame(() => this.frame());
    else this.running = false;
  },
};
