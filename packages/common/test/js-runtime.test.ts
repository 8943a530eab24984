import { test } from "tap";
import { jsRuntime, jsRuntimeName } from "../src/js-runtime.ts";

test("the JS runtime is the actual one, not the Node.js that it is compatible with", async (t) => {
  const bun = process.versions["bun"];
  t.same(jsRuntime, bun ? { name: "Bun", version: bun } : { name: "Node.js", version: process.versions.node });
  t.equal(jsRuntimeName, bun ? `Bun ${bun}` : `Node.js ${process.versions.node}`);
});
