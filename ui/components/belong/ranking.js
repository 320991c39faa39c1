// What a threshold makes of scores of two kinds, and what all thresholds together say of a score. Knows no screen.

// Scores in ascending order, and how many images of a kind lie above a threshold.
export class Ranking {
  // scores: of all images; odd: 1 for each odd one, else 0.
  constructor(scores, odd) {
    const of = (kind) => Float64Array.from(scores.filter((_, i) => odd[i] === kind)).sort();
    this.usual = of(0);
    this.odd = of(1);
    this.steps = this.all();
  }

  // Counts: {hit, miss} of the odd, {alarm, pass} of the usual. What lies at the threshold or above is called odd.
  at(threshold) {
    const miss = below(this.odd, threshold);
    const pass = below(this.usual, threshold);
    return { hit: this.odd.length - miss, miss, alarm: this.usual.length - pass, pass };
  }

  // The score below which this share of the usual lies.
  quantile(share) { return this.usual[Math.min(this.usual.length - 1, Math.floor(share * this.usual.length))]; }

  // The probability that an odd image has the higher score; ties count half.
  get auroc() {
    let total = 0;
    for (const score of this.odd) total += below(this.usual, score) + (upTo(this.usual, score) - below(this.usual, score)) / 2;
    return total / (this.odd.length * this.usual.length);
  }

  // {recall, alarms: share of the usual} at every threshold that calls one more odd image odd, from the highest on.
  all() {
    const found = [];
    for (let i = this.odd.length - 1; i >= 0; i--) {
      if (i > 0 && this.odd[i - 1] === this.odd[i]) continue; // ties are called odd together
      found.push({ recall: (this.odd.length - i) / this.odd.length, alarms: 1 - below(this.usual, this.odd[i]) / this.usual.length });
    }
    return found;
  }

  // The mean precision over these steps, weighed by how much recall each adds, at a base rate.
  averagePrecision(base) {
    let [before, total] = [0, 0];
    for (const { recall, alarms } of this.steps) {
      total += (recall - before) * precision(recall, alarms, base);
      before = recall;
    }
    return total;
  }
}

// The share of odd ones among all that are called odd; NaN where none is.
export const precision = (recall, alarms, base) => (base * recall) / (base * recall + (1 - base) * alarms);

// How many of some sorted numbers are below a value; and how many are not above it.
const below = (sorted, value) => place(sorted, (one) => one < value);
const upTo = (sorted, value) => place(sorted, (one) => one <= value);

function place(sorted, before) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(sorted[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

// How many of some numbers fall into each of equal bins from low to high; what lies beyond goes into the outermost.
export function histogram(numbers, low, high, bins) {
  const counts = new Float64Array(bins);
  for (const value of numbers) counts[Math.max(0, Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins)))]++;
  return counts;
}
