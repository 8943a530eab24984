import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";

/** Cross compilers bring glibc where this machine builds with musl: what one of them accepts the other may not. */
test("the static helpers compile with glibc's headers as well as with musl's", async (t) => {
  const packages = join(import.meta.dirname, "../..");
  const flags = ["-std=gnu11", "-Os", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", '-DTINI_VERSION="0"'];
  const sources = [...globSync(`${packages}/native-sys/init/*.c`), join(packages, "tini/src/tini.c")];
  t.ok(sources.length > 1);
  for (const compiler of ["gcc", "musl-gcc"]) {
    t.doesNotThrow(
      () => execFileSync(compiler, [...flags, ...sources], { stdio: ["ignore", "ignore", "inherit"] }),
      compiler,
    );
  }
});
