import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const here = import.meta.dirname;

/**
 * Builds the static in-container probe unless it is newer than its sources, and returns its path.
 * Each subcommand prints one JSON document; run it without arguments for the list.
 * @throws Error with the compiler's output
 */
export function buildProbe(): string {
  const output = resolve(here, "../build/probe");
  const sources = globSync(join(here, "*.c"));
  const built = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if ([...sources, join(here, "probe.h"), join(here, "build.ts")].every((path) => statSync(path).mtimeMs < built)) {
    return output;
  }
  mkdirSync(resolve(here, "../build"), { recursive: true });
  const temporary = `${output}.${process.pid}`;
  const flags = ["-std=gnu11", "-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror"];
  execFileSync("musl-gcc", [...flags, ...sources, "-o", temporary], { stdio: ["ignore", "inherit", "inherit"] });
  renameSync(temporary, output);
  return output;
}
