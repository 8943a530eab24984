import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const here = import.meta.dirname;
const source = join(here, "src/tini.c");

/** Static C compilers by Node's name of the processor; each makes programs that need nothing on the target. */
const compilers: Readonly<Record<string, string>> = {
  x64: process.arch === "x64" ? "musl-gcc" : "x86_64-linux-gnu-gcc",
  arm64: process.arch === "arm64" ? "musl-gcc" : "aarch64-linux-gnu-gcc",
};

export interface BuildTiniOptions {
  /** Processor to build for, as in `process.arch`; this machine's where absent. */
  readonly arch?: string;
  /** C compiler command; the usual one for `arch` where absent. */
  readonly compiler?: string;
}

/**
 * Builds the static tini unless it is newer than its sources, and returns its path:
 * `build/tini-static`, or `build/ARCH/tini-static` for another processor.
 * @throws Error naming the compiler when there is none, or with the compiler's own message
 */
export function buildTini(options: BuildTiniOptions = {}): string {
  const arch = options.arch ?? process.arch;
  const output = join(here, "build", arch === process.arch ? "" : arch, "tini-static");
  if (isFresh(output)) return output;
  const compiler = options.compiler ?? compilers[arch];
  if (!compiler) throw new Error(`tini: no compiler known for ${arch}: name one (known: ${Object.keys(compilers)})`);
  mkdirSync(dirname(output), { recursive: true });
  const temporary = `${output}.${process.pid}`;
  try {
    compile(compiler, temporary);
    renameSync(temporary, output);
  } finally {
    rmSync(temporary, { force: true });
  }
  return output;
}

function compile(compiler: string, output: string): void {
  const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8")) as { version: string };
  const flags = ["-std=gnu11", "-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror"];
  const sections = ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"];
  const args = [...flags, ...sections, `-DTINI_VERSION="${version}"`, source, "-o", output];
  try {
    execFileSync(compiler, args, { stdio: ["ignore", "inherit", "inherit"] });
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw missing ? new Error(`tini: the C compiler ${compiler} is not installed`) : error;
  }
}

function isFresh(output: string): boolean {
  const built = statSync(output, { throwIfNoEntry: false });
  if (!built) return false;
  return [source, join(here, "build.ts"), join(here, "package.json")].every(
    (path) => statSync(path).mtimeMs < built.mtimeMs,
  );
}

if (import.meta.main) process.stdout.write(`${buildTini()}\n`);
