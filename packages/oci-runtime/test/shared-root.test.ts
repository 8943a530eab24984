import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { Box, cannotRun } from "./box.ts";
import { shareRoot } from "./oracle/paths.ts";

const skip = cannotRun() ?? false;

test("60 containers that start in one root at once all find what each of them makes if it is not there", {
  skip,
}, async (t) => {
  t.setTimeout(180_000);
  await using box = new Box();
  const source = join(box.directory, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "bound\n");
  symlinkSync("linked/file", join(box.rootfs, "link"));
  // An image's own file in the place of a device, which the first container replaces.
  writeFileSync(join(box.rootfs, "dev/null"), "");
  box.configure("cat /new/dir/file /new/file /link; stat -c %t:%T /dev/null /dev/sub/own; pwd", (spec) => {
    shareRoot(spec as never, source);
    spec.process.cwd = "/work/new/";
  });
  const expected = { status: 0, stdout: "bound\nbound\nbound\n1:3\n1:3\n/work/new\n", stderr: "" };
  const results = await Promise.allSettled(Array.from({ length: 60 }, () => box.run()));
  for (const result of results) t.match(result, { status: "fulfilled", value: expected });
  t.same(
    readdirSync(join(box.rootfs, "dev")).filter((name) => name.startsWith(".")),
    [],
    "no node is left half-way",
  );
});
