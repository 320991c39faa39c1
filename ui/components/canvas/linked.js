// What the link to a page says of a canvas.

import { rounded, unlike } from "../engine/link.js";

// What the link says of this plane, under names that begin with the payload's option `link`. Of pins and view the page
// itself hears where they are committed.
export function linkedOf(canvas) {
  const { link, commit } = canvas.options;
  const { cx, cy, half } = canvas.view.get();
  const square = (values) => values.map(rounded).join(",");
  const { home } = canvas.view;
  const seen = square([cx, cy, half]);
  return {
    ...(commit ? {} : {
      [`${link}z`]: canvas.pins.places().map(square).join(";"),
      [`${link}view`]: seen === square([home.cx, home.cy, home.half]) ? "" : seen,
    }),
    [`${link}off`]: [...canvas.hidden].sort((one, other) => one - other).join(","),
    [`${link}heat`]: unlike(Number(canvas.layers.heatShown), Number(Boolean(canvas.options.heat))),
  };
}

export function takeLinked(canvas, values) {
  const { link } = canvas.options;
  const of = (name) => values[`${link}${name}`];
  canvas.hidden = new Set((of("off") ?? []).filter((label) => label < canvas.header.labels.length));
  if (of("view")) canvas.view.set(of("view"));
  if (of("z")) canvas.pins.take(of("z"));
  canvas.layers.heatShown = of("heat") ?? canvas.layers.heatShown;
  if (canvas.at) canvas.showAll(); // it was on screen before its link was known
}
