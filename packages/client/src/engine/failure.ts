import { unreachable } from "@gantry/cli/endpoint";
import { forEachName } from "@gantry/cli/for-each";
import { printable } from "@gantry/cli/printable";
import { messageOf } from "@gantry/common/error-message";
import { isRpcError } from "@gantry/ipc/contracts/errors";
import { CommandError, type Context } from "../command.ts";

export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

/** The message and exit code for a failure. */
export async function describeFailure(error: unknown, context: Pick<Context, "host">): Promise<Failure> {
  const { message, exitCode } = await rawFailure(error, context);
  return { message: printable(message), exitCode };
}

async function rawFailure(error: unknown, context: Pick<Context, "host">): Promise<Failure> {
  if (error instanceof CommandError) return { message: error.message, exitCode: error.exitCode };
  if (isRpcError(error)) {
    // A lost connection is not a report of the engine.
    if (error.code === "Unavailable")
      return { message: (await unreachable(context.host, "engine")) ?? error.message, exitCode: 1 };
    return { message: `Error response from engine: ${error.message}`, exitCode: 1 };
  }
  return { message: messageOf(error), exitCode: 1 };
}

/**
 * Runs work for each of several names; a failure of one is reported and does not stop the others.
 * @returns 1 when any failed
 */
export async function forEach(
  context: Context,
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<number> {
  return await forEachName(names, work, async (error) => {
    const { message } = await describeFailure(error, context);
    context.out.printError(message);
    return !isRpcError(error, "Unavailable");
  });
}
