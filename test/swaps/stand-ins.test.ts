import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { standInImage } from "../../packages/engine/test/stand-in-images.ts";
import { startStandIn } from "../../packages/engine/test/stand-in-supervisor.ts";
import { startStack } from "../support/stack.ts";

/** A program with a name of its own that runs a TypeScript file. */
function script(directory: string, name: string, source: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${source}" "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

test("a shim that shares nothing but the contract", async (t) => {
  const directory = mkdtempSync("/tmp/gantry-shim-");
  t.teardown(() => rmSync(directory, { recursive: true }));
  const shim = script(directory, "shim", join(import.meta.dirname, "../support/stand-in-shim.ts"));
  await using stack = await startStack({ engineFlags: ["--shim", shim] });
  const result = await stack.client([
    "run",
    "--rm",
    "--network",
    "none",
    "busybox",
    "sh",
    "-c",
    "echo chrooted; exit 6",
  ]);
  t.strictSame(result, { code: 6, stdout: "chrooted\n", stderr: "" });
  t.equal((await stack.client(["ps", "-aq"])).stdout, "");
});

test("a supervisor that shares nothing but the contract", async (t) => {
  const directory = mkdtempSync("/tmp/gantry-sv-");
  const standIn = await startStandIn(directory);
  t.teardown(async () => {
    await standIn.close();
    rmSync(directory, { recursive: true });
  });
  standIn.images.set("docker.io/library/plain:1", standInImage("docker.io/library/plain:1", {}));
  await using stack = await startStack({ busybox: false, engineFlags: ["--supervisor", standIn.endpoint] });
  const result = await stack.client([
    "run",
    "--rm",
    "--network",
    "none",
    "plain:1",
    "sh",
    "-c",
    "echo held in memory; exit 2",
  ]);
  t.strictSame(result, { code: 2, stdout: "held in memory\n", stderr: "" });
  t.equal((await stack.client(["ps", "-aq"])).stdout, "");
});
