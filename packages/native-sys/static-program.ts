import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** A C program that needs nothing on the machine on which it runs. */
export interface StaticProgram {
  /** Where the program goes. */
  readonly output: string;
  /** The folder of its C files and headers. */
  readonly sources: string;
  /** Further files, such as the build's own module, after whose change it is compiled again. */
  readonly inputs: readonly string[];
  /** A C compiler that links statically: musl-gcc unless given; any cross compiler such as "aarch64-linux-gnu-gcc". */
  readonly compiler?: string;
  readonly flags?: readonly string[];
}

const flags = [
  ...["-std=gnu11", "-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror"],
  ...["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"],
];

/**
 * Compiles a static program and returns its path. Nothing is done when it is newer than every source and input.
 * @throws Error with the compiler's message, or naming the compiler that is missing
 */
export function buildStaticProgram(program: StaticProgram): string {
  const { output, inputs } = program;
  const built = statSync(output, { throwIfNoEntry: false });
  const all = [...filesIn(program, /\.[ch]$/), ...inputs, import.meta.filename];
  if (built && all.every((input) => statSync(input).mtimeMs < built.mtimeMs)) return output;
  mkdirSync(dirname(output), { recursive: true });
  const temporary = `${output}.${process.pid}`;
  try {
    compile(program, temporary);
    renameSync(temporary, output);
  } finally {
    rmSync(temporary, { force: true });
  }
  return output;
}

function filesIn({ sources }: StaticProgram, ending: RegExp): string[] {
  return readdirSync(sources)
    .filter((name) => ending.test(name))
    .map((name) => join(sources, name));
}

function compile(program: StaticProgram, temporary: string): void {
  const { output, compiler = "musl-gcc", flags: own = [] } = program;
  const sources = filesIn(program, /\.c$/);
  try {
    execFileSync(compiler, [...flags, ...own, "-o", temporary, ...sources], { stdio: ["ignore", "inherit", "pipe"] });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    if (code === "ENOENT") throw new Error(`${compiler} is missing: install musl-tools, or name another compiler`);
    throw new Error(`compiling ${output} failed: ${stderr ?? error}`);
  }
}
