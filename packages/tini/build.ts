import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildStaticProgram } from "@gantry/native-sys/static-program";

const here = import.meta.dirname;

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
  const compiler = options.compiler ?? compilers[arch];
  if (!compiler) throw new Error(`tini: no compiler known for ${arch}: name one (known: ${Object.keys(compilers)})`);
  const manifest = join(here, "package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return buildStaticProgram({
    output: join(here, "build", arch === process.arch ? "" : arch, "tini-static"),
    sources: join(here, "src"),
    inputs: [manifest, import.meta.filename],
    compiler,
    flags: [`-DTINI_VERSION="${version}"`],
  });
}

if (import.meta.main) process.stdout.write(`${buildTini()}\n`);
