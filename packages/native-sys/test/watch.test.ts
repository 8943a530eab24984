import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { test } from "tap";

const probe = join(import.meta.dirname, "fixtures/watch-probe.ts");
const bun = `@oven/bun-linux-${process.arch === "x64" ? "x64-baseline" : "aarch64"}/bin/bun`;
const engines = {
  Node: process.execPath,
  Bun: join(import.meta.dirname, "../../../node_modules", bun),
};

for (const [name, program] of Object.entries(engines))
  test(`watchFd under ${name}`, async (t) => {
    const { stdout } = await promisify(execFile)(program, [probe], { timeout: 20_000 });
    t.same(stdout.trim().split("\n"), [
      "ready until it is read: [1,1,1]",
      "again by a new watch: [1]",
      "both directions: [5]",
      'a second watch: "EEXIST"',
      "others go on: [4,4]",
      "none without events: []",
      "set again: 4",
      "the other end has closed: [1]",
      'a regular file: "EPERM"',
      'no descriptor: "EBADF"',
      'what a callback throws: "thrown"',
      'the end: "a watch that is not referenced keeps nothing"',
    ]);
  });
