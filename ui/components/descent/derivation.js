// The instruments of the derivation: which one a mount point is, its payload's kind says. All of it happens here; Python
// hears nothing.

import { DescentPart } from "./descent.js";
import { DiagonalPart } from "./diagonal.js";
import { EstimatePart } from "./estimate.js";
import { PosteriorPart } from "./posterior.js";
import { withPayload } from "../engine/page.js";

const PARTS = { posterior: PosteriorPart, descent: DescentPart, diagonal: DiagonalPart, estimate: EstimatePart };
const mounted = new Map(); // mount point -> {headerText, root, part}

function show(parentElement, { header, headerText }) {
  if (mounted.get(parentElement)?.headerText === headerText) return; // the page ran again
  dismount(parentElement);
  const template = parentElement.querySelector(`template[data-kind="${header.kind}"]`);
  if (!template) throw new Error(`nothing is known of the kind ${header.kind}`);
  parentElement.append(template.content.cloneNode(true));
  const root = parentElement.querySelector(".derivation");
  root.hidden = false;
  const part = new PARTS[header.kind](root, header);
  root.derivation = part; // for tests and the browser console
  mounted.set(parentElement, { headerText, root, part });
  parentElement.querySelector(".failed").hidden = true;
}

function dismount(parentElement) {
  const old = mounted.get(parentElement);
  old?.part.remove();
  old?.root.remove();
  mounted.delete(parentElement);
}

export default function (component) {
  return withPayload(component, "experiment", (payload) => show(component.parentElement, payload), dismount);
}
