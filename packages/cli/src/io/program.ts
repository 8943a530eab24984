import { Output, reportOutputError } from "./output.ts";

/** The process's environment, working directory and output, as a command line uses them. */
export interface ProcessContext {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly out: Output;
}

export interface Program {
  readonly versionLine: string;
  /** Stands before the sentence that reports a failure of the output: "ctr: ". */
  readonly errorPrefix: string;
  /** Runs a command line and returns the exit code. @throws OutputError */
  dispatch(argv: readonly string[], process: ProcessContext): Promise<number>;
}

/** Runs a command line and exits at once: background work does not keep the process alive. */
export async function runProgram(argv: readonly string[], program: Program): Promise<never> {
  const out = new Output();
  try {
    if (argv[0] === "--version" || argv[0] === "-v") out.print(program.versionLine);
    else process.exitCode = await program.dispatch(argv, { env: process.env, cwd: process.cwd(), out });
    if (out.busy) await out.drain();
    out.finish();
  } catch (error) {
    process.exitCode = reportOutputError(program.errorPrefix, error);
  }
  process.exit();
}
