// Held-out images arrive once per page, after what points at them.

import { shared } from "./shared.js";

export const sheets = shared("sheets", () => new Map()); // image set -> {bitmap, columns}, once the thumbnails have arrived; null while on their way
const listeners = shared("listeners", () => new Set());

// shown(name of the image set) is called whenever thumbnails have arrived.
export function onThumbnails(shown) { listeners.add(shown); }

// Keeps a sheet of held-out images and tells who listens.
export async function receiveThumbnails({ header, tensor }) {
  if (sheets.has(header.images)) return;
  sheets.set(header.images, null);
  const bitmap = await createImageBitmap(new Blob([tensor("png")], { type: "image/png" }));
  sheets.set(header.images, { bitmap, columns: header.columns });
  for (const shown of listeners) shown(header.images);
}
