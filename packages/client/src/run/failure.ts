import { UsageError } from "@gantry/cli";
import { BrokenPipe } from "@gantry/cli/output";
import { NoTerminalError } from "@gantry/cli/terminal";
import { isRpcError } from "@gantry/ipc/contracts/errors";
import { CommandError, type Context } from "../command.ts";
import { describeFailure } from "../engine/failure.ts";

const engineFailed = 125;
const cannotInvoke = 126;
const notFound = 127;

/** A failure that already has its words. */
class RunError extends CommandError {
  override name = "RunError";
}

/**
 * Docker's way of saying that `run` or `create` went wrong, exit code 125.
 * @param command its name, to point to its help; without it there is no such line
 */
export async function runFailure(error: unknown, context: Context, command?: string): Promise<unknown> {
  if (error instanceof UsageError || error instanceof BrokenPipe || error instanceof RunError) return error;
  if (error instanceof NoTerminalError) return error;
  const { message } = await describeFailure(error, context);
  // help does not help when the engine is not there
  return new RunError(sentence(message, isRpcError(error, "Unavailable") ? undefined : command), engineFailed);
}

/** The same for a start that failed: 127 when the command is not there, 126 when it cannot be run, else 125. */
export async function startFailure(error: unknown, context: Context): Promise<unknown> {
  if (error instanceof BrokenPipe) return error;
  const { message } = await describeFailure(error, context);
  return new RunError(sentence(message), startExitCode(message));
}

/** Exit code of a process that could not be started, by the words of the failure. */
export function startExitCode(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file|ENOENT/i.test(message)) {
    return notFound;
  }
  if (/permission denied|is a directory|not a directory|exec format error|EACCES/i.test(message)) return cannotInvoke;
  return engineFailed;
}

function sentence(message: string, command?: string): string {
  const text = `client: ${message}${/[.?!]$/.test(message) ? "" : "."}`;
  return command === undefined ? text : `${text}\nSee 'client ${command} --help'.`;
}
