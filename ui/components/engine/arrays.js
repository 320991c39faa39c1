// Small things about arrays of numbers.

export const sum = (values) => values.reduce((total, value) => total + value, 0);
export const product = (values) => values.reduce((total, value) => total * value, 1);

export function expectLength(name, array, length) {
  if (array.length !== length) throw new Error(`${name} has ${array.length} numbers where ${length} belong`);
  return array;
}

// Of two pictures of the same size, per pixel.
export function meanSquaredError(one, other) {
  let total = 0;
  for (let i = 0; i < one.length; i++) total += (one[i] - other[i]) ** 2;
  return total / one.length;
}
