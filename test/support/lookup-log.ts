import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@gantry/testkit";

/** Returns a function that compiles lookup-log.c once for the test file, and returns the library's path. */
export function lookupLogger(t: { teardown(end: () => unknown): unknown }): () => string {
  let library: string | undefined;
  return () => {
    if (library) return library;
    const directory = tempDir("lookup-log");
    t.teardown(() => directory[Symbol.asyncDispose]());
    chmodSync(directory.path, 0o755);
    library = join(directory.path, "lookup-log.so");
    const source = join(import.meta.dirname, "lookup-log.c");
    execFileSync("gcc", ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source]);
    return library;
  };
}
