import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseFlags } from "@gantry/cli";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { engineOptions, serveFlags } from "../src/options.ts";

test("a program is an executable file: a directory or a plain file of its name is passed over", async (t) => {
  await using temp = tempDir("programs");
  const [beside, onPath] = [join(temp.path, "beside"), join(temp.path, "path")];
  for (const directory of [beside, onPath]) mkdirSync(directory);
  mkdirSync(join(beside, "shim"));
  writeFileSync(join(beside, "supervisor"), "", { mode: 0o644 });
  for (const name of ["shim", "supervisor"]) writeFileSync(join(onPath, name), "", { mode: 0o755 });
  const locations = { self: join(beside, "engine"), path: `/nowhere:${onPath}` };
  const options = engineOptions(parseFlags([], serveFlags).values, locations);
  t.equal(options.shim, join(onPath, "shim"));
  t.equal(options.supervisorPath, join(onPath, "supervisor"));
  t.equal(options.ociRuntime, join(beside, "oci-runtime"), "one that does not exist is expected beside the engine");
});
