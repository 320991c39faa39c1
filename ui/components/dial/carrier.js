// Brings stops, or the thumbnails, to the dial: a component that shows nothing itself.

import { withPayload } from "../engine/page.js";
import { receiveThumbnails } from "../engine/thumbnails.js";
import { dropStops, takeStops } from "./stops.js";

export default function (component) {
  const { parentElement } = component;
  return withPayload(component, "stop", (payload) => {
    if (payload.header.kind === "thumbnails") receiveThumbnails(payload);
    else takeStops(parentElement, payload);
  }, () => dropStops(parentElement));
}
