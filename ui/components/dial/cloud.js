// Points in motion: squares, grouped by class. A square is one rectangle; the circles drawn at rest (engine/drawing.js) take the
// browser several times as long, too long for every frame.

const SQUARE = 1.77; // side of the square that covers what a circle of radius 1 covers

export class Cloud {
  constructor(classes, count) {
    this.groups = Array.from({ length: count }, (_, label) => {
      const members = [];
      for (let i = 0; i < classes.length; i++) if (classes[i] === label) members.push(i);
      return Uint32Array.from(members);
    });
  }

  draw(context, side, view, points, palette) {
    const size = SQUARE * Math.max(1.4, side / 380);
    const scale = side / (2 * view.half);
    const left = side / 2 - view.cx * scale - size / 2;
    const top = side / 2 + view.cy * scale - size / 2;
    context.globalAlpha = 0.82;
    this.groups.forEach((members, label) => {
      context.fillStyle = palette[label % palette.length];
      for (const i of members) {
        const x = left + points[2 * i] * scale;
        const y = top - points[2 * i + 1] * scale;
        if (x > -size && y > -size && x < side && y < side) context.fillRect(x, y, size, size);
      }
    });
    context.globalAlpha = 1;
  }
}
