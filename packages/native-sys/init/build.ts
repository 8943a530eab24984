import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

export interface InitBuild {
  /** Where `init` goes; packages/native-sys/build unless given. */
  readonly outDir?: string;
  /** A C compiler that links statically: musl-gcc unless given; any cross compiler such as "aarch64-linux-gnu-gcc". */
  readonly cc?: string;
}

/**
 * Compiles the static helper and returns its path. Nothing is done when it is newer than every source.
 *
 * @throws Error with the compiler's message, or naming the compiler that is missing
 */
export async function buildInit(options: InitBuild = {}): Promise<string> {
  const outDir = options.outDir ?? join(here, "../build");
  const output = join(outDir, "init");
  const names = readdirSync(here).filter((name) => /\.[ch]$/.test(name));
  const inputs = [...names.map((name) => join(here, name)), fileURLToPath(import.meta.url)];
  if (existsSync(output) && inputs.every((input) => statSync(input).mtimeMs < statSync(output).mtimeMs)) return output;
  mkdirSync(outDir, { recursive: true });
  const temporary = `${output}.${process.pid}`;
  const sources = names.filter((name) => name.endsWith(".c")).map((name) => join(here, name));
  await compile(options.cc ?? "musl-gcc", [
    ...["-std=gnu11", "-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror"],
    ...["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-o", temporary],
    ...sources,
  ]);
  renameSync(temporary, output);
  return output;
}

async function compile(cc: string, args: string[]): Promise<void> {
  try {
    await run(cc, args);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Error(`${cc} is missing: install musl-tools, or name another compiler`);
    throw new Error(`compiling the init helper failed: ${(error as { stderr?: string }).stderr ?? error}`);
  }
}

if (import.meta.main) await buildInit();
