import { UsageError } from "@gantry/cli";
import { OutputError } from "@gantry/cli/output";
import { NoTerminalError } from "@gantry/cli/terminal";
import { isRpcError, reasonOf } from "@gantry/ipc/contracts/errors";
import { CommandError, type Context } from "../command.ts";
import { describeFailure } from "../engine/failure.ts";

export const engineFailed = 125;
const cannotInvoke = 126;
const notFound = 127;

/** A failure whose message is complete. */
class RunError extends CommandError {
  override name = "RunError";
}

/**
 * A failure of `run` or `create` as Docker reports it, with exit code 125.
 * @param command its name, to point to its help; without it that line is left out
 */
export async function runFailure(error: unknown, context: Context, command?: string): Promise<unknown> {
  if (error instanceof UsageError || error instanceof OutputError || error instanceof RunError) return error;
  if (error instanceof NoTerminalError) return error;
  const { message } = await describeFailure(error, context);
  // Without an engine the help is of no use.
  return new RunError(sentence(message, isRpcError(error, "Unavailable") ? undefined : command), engineFailed);
}

/** A failed start, with the exit code of startExitCode. */
export async function startFailure(error: unknown, context: Context): Promise<unknown> {
  if (error instanceof OutputError) return error;
  const { message } = await describeFailure(error, context);
  return new RunError(sentence(message), startExitCode(error));
}

/**
 * Exit code for a process that could not be started: 127 when its program does not exist, 126 when the program cannot be
 * executed, else 125. The engine may give the code itself.
 */
export function startExitCode(error: unknown): number {
  const reason = reasonOf(error);
  if (reason === "ExecutableNotFound") return notFound;
  if (reason === "ExecutableNotPermitted") return cannotInvoke;
  const given = isRpcError(error) ? error.data?.["ExitCode"] : undefined;
  return given === notFound || given === cannotInvoke ? given : engineFailed;
}

function sentence(message: string, command?: string): string {
  const text = `client: ${message}${/[.?!]$/.test(message) ? "" : "."}`;
  return command === undefined ? text : `${text}\nSee 'client ${command} --help'.`;
}
