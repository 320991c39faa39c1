// The numbers of a code, as they are called on screen.

const DIGITS = "₀₁₂₃₄₅₆₇₈₉";

// z₁ for the first, at index 0.
export const nameOf = (index) => `z${[...String(index + 1)].map((digit) => DIGITS[Number(digit)]).join("")}`;
