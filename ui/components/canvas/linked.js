// What the link to a page says of a canvas.

import { rounded, unlike } from "../engine/link.js";

// What the link says of this plane, under names that begin with the payload's option `link`. Of pins and view the page
// itself hears where they are committed.
export function linkedOf(canvas) {
  const { link, commit } = canvas.options;
  return {
    ...(commit ? {} : pinsAndView(canvas)),
    [`${link}off`]: [...canvas.hidden].sort((one, other) => one - other).join(","),
    [`${link}heat`]: unlike(Number(canvas.layers.heatShown), Number(Boolean(canvas.options.heat))),
  };
}

function pinsAndView(canvas) {
  const { link } = canvas.options;
  const { cx, cy, half } = canvas.view.get();
  const square = (values) => values.map(rounded).join(",");
  const { home } = canvas.view;
  const seen = square([cx, cy, half]);
  return {
    [`${link}z`]: canvas.pins.places().map(square).join(";"),
    [`${link}view`]: seen === square([home.cx, home.cy, home.half]) ? "" : seen,
  };
}

// What the page itself keeps in the link.
export const ledOf = (canvas) => (canvas.options.commit ? pinsAndView(canvas) : {});

export function usualOf(canvas) {
  const { options: { link, heat }, view: { home } } = canvas;
  const { cx, cy, half } = home;
  return { [`${link}z`]: [], [`${link}view`]: { cx, cy, half }, [`${link}off`]: [], [`${link}heat`]: Boolean(heat) };
}

export function takeLinked(canvas, values) {
  const { link } = canvas.options;
  const of = (name) => values[`${link}${name}`];
  canvas.hidden = new Set((of("off") ?? []).filter((label) => label < canvas.header.labels.length));
  if (of("view")) canvas.view.set(of("view"));
  if (of("z")) canvas.pins.take(of("z"));
  canvas.layers.heatShown = of("heat") ?? canvas.layers.heatShown;
  if (of("z")) canvas.commit("pins", canvas.pins.places());
  if (of("view")) canvas.commitView();
  if (canvas.at) canvas.showAll(); // it was on screen before its link was known
}
