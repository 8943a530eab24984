import { join } from "node:path";
import { buildStaticProgram } from "@gantry/native-sys/static-program";

const here = import.meta.dirname;

export interface KeeperBuild {
  /** Where `keeper` goes; packages/keeper/build unless given. */
  readonly outDir?: string;
  /** The compiler; musl-gcc unless given. */
  readonly compiler?: string;
}

/** Compiles the keeper, unless it is up to date, and returns its path. @throws Error as buildStaticProgram */
export function buildKeeper({ outDir = join(here, "build"), ...options }: KeeperBuild = {}): string {
  const sources = join(here, "program");
  // A header of another folder, which the program includes.
  const fields = join(here, "../native-sys/init/fields.h");
  return buildStaticProgram({
    output: join(outDir, "keeper"),
    sources,
    inputs: [fields, import.meta.filename],
    ...options,
  });
}

if (import.meta.main) process.stdout.write(`${buildKeeper()}\n`);
