// The image on the board of the page "What codes are good for", for the benches below it.

import { Now } from "../pad/now.js";
import { shared } from "../engine/shared.js";

export const now = shared("board", () => new Now());
