import { BrokenPipe, brokenPipeExitCode, Output } from "./output.ts";

/** What a command line is run with. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly out: Output;
}

/** Runs a command line and leaves at once: nothing that still runs in the background keeps the process. */
export async function runProgram(
  argv: readonly string[],
  versionLine: string,
  dispatch: (argv: readonly string[], surroundings: Surroundings) => Promise<number>,
): Promise<never> {
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
