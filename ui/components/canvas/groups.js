// Canvases of a page that belong together: what is done on one may follow on the others.

const groups = new Map(); // group name -> its canvases

export function joinGroup(canvas, name) {
  leaveGroup(canvas);
  if (!name) return;
  canvas.group = name;
  if (!groups.has(name)) groups.set(name, new Set());
  groups.get(name).add(canvas);
}

export function leaveGroup(canvas) {
  groups.get(canvas.group)?.delete(canvas);
  canvas.group = undefined;
}

// The other canvases of the group, whatever they show.
export const companions = (canvas) => [...(groups.get(canvas.group) ?? [])].filter((other) => other !== canvas);
