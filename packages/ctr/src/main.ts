#!/usr/bin/env node
import { BrokenPipe, Output } from "@gantry/cli/output";
import { brokenPipeExitCode, dispatch } from "./dispatch.ts";
import { versionLine } from "./global-flags.ts";

/** Runs the command line and leaves at once: nothing that still runs in the background keeps the process. */
async function main(argv: readonly string[]): Promise<never> {
  const out = new Output();
  if (argv[0] === "--version" || argv[0] === "-v") out.print(versionLine);
  else process.exitCode = await dispatch(argv, { env: process.env, cwd: process.cwd(), out });
  try {
    if (out.busy) await out.drain();
    out.finish();
  } catch (error) {
    process.exitCode = error instanceof BrokenPipe ? brokenPipeExitCode : 1;
  }
  process.exit();
}

main(process.argv.slice(2));
