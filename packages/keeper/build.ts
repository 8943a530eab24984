import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const here = import.meta.dirname;
const sources = join(here, "program");

export interface KeeperBuild {
  /** Where `keeper` goes; packages/keeper/build unless given. */
  readonly outDir?: string;
  /** A C compiler that links statically: musl-gcc unless given; any cross compiler such as "aarch64-linux-gnu-gcc". */
  readonly cc?: string;
}

/**
 * Compiles the keeper and returns its path. Nothing is done when it is newer than every source.
 * @throws Error naming the compiler that is missing; the compiler's message is on standard error
 */
export function buildKeeper({ outDir = join(here, "build"), cc = "musl-gcc" }: KeeperBuild = {}): string {
  const output = join(outDir, "keeper");
  const names = readdirSync(sources);
  const inputs = [...names.map((name) => join(sources, name)), join(here, "build.ts")];
  const built = statSync(output, { throwIfNoEntry: false });
  if (built && inputs.every((input) => statSync(input).mtimeMs < built.mtimeMs)) return output;
  mkdirSync(dirname(output), { recursive: true });
  const temporary = `${output}.${process.pid}`;
  const flags = ["-std=gnu11", "-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror"];
  const sections = ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"];
  const files = names.filter((name) => name.endsWith(".c")).map((name) => join(sources, name));
  try {
    execFileSync(cc, [...flags, ...sections, "-o", temporary, ...files], { stdio: ["ignore", "inherit", "inherit"] });
    renameSync(temporary, output);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw isMissing ? new Error(`${cc} is missing: install musl-tools, or name another compiler`) : error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return output;
}

if (import.meta.main) process.stdout.write(`${buildKeeper()}\n`);
