// What the components of a page have in common. Where the network failed for a moment, two of them may have loaded this
// module from two addresses (loader.js), and each address has variables of its own: such things are kept by name beside
// the modules of this version.

const version = import.meta.url.replace(/(-\d)?\/engine\/shared\.js$/, "");

// The thing called `name`; the first who asks makes it.
export function shared(name, make) {
  const place = Symbol.for(`${version} ${name}`);
  globalThis[place] ??= make();
  return globalThis[place];
}
