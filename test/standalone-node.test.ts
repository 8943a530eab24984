import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { binaries } from "../tools/src/binaries.ts";
import { paths } from "../tools/src/paths.ts";

/** The tests of the standalone binaries once more, with Node as the JS runtime of every binary. */

const madeOnBun = binaries.filter(({ jsRuntime }) => jsRuntime === "bun").map(({ name }) => name);
const same = [...binaries.filter(({ jsRuntime }) => jsRuntime === "node").map(({ name }) => name), "tini-static"];

mkdirSync(paths.nodeBin, { recursive: true });
const build = [join(paths.root, "tools/src/build.ts"), "--runtime", "node"];
execFileSync(process.execPath, [...build, ...madeOnBun.flatMap((name) => ["--only", name])], { stdio: "ignore" });
for (const name of same) {
  rmSync(join(paths.nodeBin, name), { force: true });
  linkSync(join(paths.bin, name), join(paths.nodeBin, name));
}
process.env["GANTRY_BIN"] = paths.nodeBin;
await import("./standalone.test.ts");
