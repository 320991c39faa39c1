// Small things about arrays of numbers.

export const sum = (values) => values.reduce((total, value) => total + value, 0);
export const product = (values) => values.reduce((total, value) => total * value, 1);

export function expectLength(name, array, length) {
  if (array.length !== length) throw new Error(`${name} has ${array.length} numbers where ${length} belong`);
  return array;
}
