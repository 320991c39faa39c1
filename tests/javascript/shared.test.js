// What components have in common, loaded from two addresses as after a network fault.

import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

test("the names of one digest share their things, and another digest has its own", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "modules-"));
  context.after(() => rm(folder, { recursive: true }));
  const from = async (name) => {
    const engine = join(folder, name, "engine");
    const here = new URL("../../ui/components/engine/", import.meta.url);
    await cp(new URL("shared.js", here), join(engine, "shared.js"));
    return import(pathToFileURL(join(engine, "shared.js")).href);
  };
  const [first, again, other] = [await from("0123abcd"), await from("0123abcd-2"), await from("4567abcd")];
  assert.notEqual(first.shared, again.shared); // two modules
  const made = () => ({});
  assert.equal(first.shared("things", made), again.shared("things", made));
  assert.notEqual(first.shared("things", made), other.shared("things", made));
});
