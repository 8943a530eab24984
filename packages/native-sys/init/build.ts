import { join } from "node:path";
import { buildStaticProgram } from "../static-program.ts";

const here = import.meta.dirname;

export interface InitBuild {
  /** Where `init` goes; packages/native-sys/build unless given. */
  readonly outDir?: string;
  /** The compiler; musl-gcc unless given. */
  readonly compiler?: string;
}

/** Compiles the static helper, unless it is up to date, and returns its path. @throws Error as buildStaticProgram */
export function buildInit({ outDir = join(here, "../build"), ...options }: InitBuild = {}): string {
  return buildStaticProgram({
    output: join(outDir, "init"),
    sources: here,
    inputs: [import.meta.filename],
    ...options,
  });
}

if (import.meta.main) buildInit();
