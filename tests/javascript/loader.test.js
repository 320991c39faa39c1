// The loader of a component's module, on a network that fails.

import assert from "node:assert/strict";
import test from "node:test";

import { dressed, fetchEarly, load } from "../../ui/components/loader.js";

const SENTENCE = "This instrument could not be loaded. Check the connection and reload the page.";

// A network on which the first so many attempts fail; what was asked of it, and how long the loader waited.
function network(failures) {
  const asked = [];
  const waited = [];
  const get = async (address) => {
    asked.push(address);
    if (asked.length <= failures) throw new TypeError(`Failed to fetch ${address}`);
    return { default: `component of ${address}` };
  };
  const wait = async (milliseconds) => { waited.push(milliseconds); };
  return { asked, waited, load: (addresses) => load(addresses, get, wait) };
}

// A mount point, of which only its elements of a class are known.
function mountPoint(elements) {
  const appended = [];
  return {
    appended,
    querySelector: (selector) => elements[selector.slice(1)] ?? null,
    append: (element) => appended.push(element),
  };
}

test("a network that answers is asked once", async () => {
  const { asked, waited, load: tried } = network(0);
  assert.equal(await tried(["a", "a-1", "a-2"]), "component of a");
  assert.deepEqual([asked, waited], [["a"], []]);
});

test("what failed is asked for under another address, after a longer wait each time", async (context) => {
  const told = context.mock.method(console, "warn", () => {});
  const { asked, waited, load: tried } = network(2);
  assert.equal(await tried(["a", "a-1", "a-2"]), "component of a-2");
  assert.deepEqual(asked, ["a", "a-1", "a-2"]);
  assert.equal(waited.length, 2);
  assert.ok(waited[0] >= 200 && waited[1] > 2 * waited[0]);
  assert.deepEqual(told.mock.calls.map(({ arguments: [text] }) => text), [
    "attempt 1 to load a: Failed to fetch a", "attempt 2 to load a-1: Failed to fetch a-1",
  ]);
});

test("if all fail the component's own box says so, and nothing that cannot work is left", async (context) => {
  context.mock.method(console, "warn", () => {});
  const component = await network(3).load(["a", "a-1", "a-2"]);
  const attributes = {};
  const root = { setAttribute: (name, value) => { attributes[name] = value; } };
  const box = { hidden: true, textContent: "" };
  const parentElement = mountPoint({ component: root, failed: box });
  component({ parentElement });
  component({ parentElement }); // the page ran again
  assert.deepEqual([box.hidden, box.textContent], [false, SENTENCE]);
  assert.deepEqual(attributes, { hidden: "" });
  assert.deepEqual(parentElement.appended, []);
});

test("a component without a box gets one", async (context) => {
  context.mock.method(console, "warn", () => {});
  const made = { setAttribute(name, value) { this[name] = value; } };
  globalThis.document = { createElement: () => made };
  context.after(() => { delete globalThis.document; });
  const parentElement = mountPoint({});
  (await network(1).load(["a"]))({ parentElement });
  assert.deepEqual(parentElement.appended, [made]);
  assert.deepEqual([made.role, made.className, made.textContent], ["alert", "failed", SENTENCE]);
});

test("what a module imports is asked for once, however many components need it", (context) => {
  const links = [];
  const head = {
    append: (link) => links.push(link),
    querySelector: (selector) => links.find(({ href }) => selector === `link[href="${href}"]`) ?? null,
  };
  globalThis.document = { baseURI: "http://host/vae/beta", head, createElement: () => ({}) };
  context.after(() => delete globalThis.document);
  fetchEarly(["modules/1/a.js", "modules/1/b.js"]);
  fetchEarly(["modules/1/b.js", "modules/1/c.js"]);
  assert.deepEqual(links, ["a", "b", "c"].map((name) => ({ rel: "modulepreload", href: `http://host/vae/modules/1/${name}.js` })));
});

test("a component is called once its style sheets are in place", async () => {
  const order = [];
  const sheet = async (address) => { order.push(address); return `sheet of ${address}`; };
  const unstyled = { remove: () => order.push("shown") };
  const root = {};
  const parentElement = { getRootNode: () => root, querySelector: (selector) => (selector === ".unstyled" ? unstyled : null) };
  const get = async () => ({ default: (call) => { order.push("called"); return call.data; } });
  const module = await dressed("a.js", ["1.css", "2.css"], get, sheet);
  assert.deepEqual(order, ["1.css", "2.css"]);
  assert.equal(module.default({ parentElement, data: 7 }), 7);
  assert.deepEqual(order, ["1.css", "2.css", "shown", "called"]);
  assert.deepEqual(root.adoptedStyleSheets, ["sheet of 1.css", "sheet of 2.css"]);
});

test("without one of its style sheets a component is not there", async () => {
  const get = async () => ({ default: () => undefined });
  const sheet = async (address) => { throw new Error(`no ${address}`); };
  await assert.rejects(dressed("a.js", ["1.css"], get, sheet), /no 1\.css/);
});
