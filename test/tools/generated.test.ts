import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { missing, run, tempDir } from "@gantry/testkit";
import { test } from "tap";
import { noticesPath, thirdPartyNotices } from "../../tools/src/notices.ts";
import { paths } from "../../tools/src/paths.ts";

const nativeSys = join(paths.packages, "native-sys");

test("the kernel's constants are those that the kernel's headers have", {
  skip: missing("tool:cc", "file:/usr/include/linux/mount.h"),
}, async (t) => {
  await using directory = tempDir("constants");
  const printer = join(directory.path, "constants");
  const compiled = await run("cc", ["-o", printer, join(nativeSys, "addon/constants.c")]);
  t.equal(compiled.code, 0, compiled.stderr);
  const { stdout } = await run(printer);
  const committed = readFileSync(join(nativeSys, "src/generated/constants.ts"), "utf8");
  t.equal(stdout, committed, "packages/native-sys/README.md says how to print them again");
});

test("the third-party notices name what the binaries contain", {
  skip: missing("file:/usr/share/doc/libseccomp-dev/copyright", "file:/usr/share/doc/musl-dev/copyright"),
}, async (t) => {
  t.ok(existsSync(noticesPath));
  t.equal(readFileSync(noticesPath, "utf8"), await thirdPartyNotices(), "run: node tools/src/notices.ts");
});
