// How long the newest moves took to handle: for tests and benchmarks.

const KEPT = 4096;

export class Timings {
  constructor() {
    this.count = 0;
    this.milliseconds = new Float64Array(KEPT);
  }

  // since: what performance.now() said when the move began.
  note(since) { this.milliseconds[this.count++ % KEPT] = performance.now() - since; }

  list() { return Array.from(this.milliseconds.subarray(0, Math.min(this.count, KEPT))); }
}
