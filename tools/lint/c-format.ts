import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

/**
 * Holds the layout of C and C++ that the .clang-format files describe; `--write` formats the files.
 * Only the version of Debian 12 decides: each version of clang-format lays some lines out in its own way.
 */

const version = "14";
const root = join(import.meta.dirname, "../..");

const installed = /version (\d+)/.exec(
  spawnSync("clang-format", ["--version"], { encoding: "utf8" }).stdout ?? "",
)?.[1];
if (installed !== version) {
  process.stderr.write(
    `c-format: clang-format ${installed ?? "is missing"}: C is checked with version ${version} only\n`,
  );
} else {
  const files = globSync("{packages,test}/**/*.{c,cc,h}", { cwd: root, exclude: ["**/node_modules", "**/build"] });
  const mode = process.argv.includes("--write") ? ["-i"] : ["--dry-run", "-Werror"];
  process.exitCode = spawnSync("clang-format", [...mode, ...files], { cwd: root, stdio: "inherit" }).status ?? 1;
}
