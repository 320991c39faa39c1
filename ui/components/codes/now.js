// What is on the pad of the page "Codes you can count", and its chosen cell, for the panels further down.

import { Now } from "../pad/now.js";

export const now = new Now();
