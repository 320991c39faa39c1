// The time of a lesson under way.

export const MINUTE = 60000; // ms

// ms of a step that are left, in words: whole minutes, because a clock that ticks is looked at.
export function left(ms) {
  if (ms < 0) return `${Math.ceil(-ms / MINUTE)} min over`;
  return ms < MINUTE ? "less than 1 min left" : `${Math.round(ms / MINUTE)} min left`;
}

// When a lesson began that is at a minute now. before: what was noted of one, or null.
export function began({ lesson, run, begins }, before, now) {
  const goes = before?.lesson === lesson && (!run || before.run === run) && Number.isFinite(before.began);
  return goes ? before.began : now - begins * MINUTE;
}
