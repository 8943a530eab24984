import { unreachable } from "@gantry/cli/endpoint";
import { forEachName } from "@gantry/cli/for-each";
import { printable } from "@gantry/cli/printable";
import type { RpcError } from "@gantry/ipc";
import { CommandError, type Context } from "../command.ts";

export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

/** True for a failure that the supervisor reported, or that has to do with reaching it. */
export function isRpcError(error: unknown, code?: RpcError["code"]): error is RpcError {
  return (
    error instanceof Error && error.name === "RpcError" && (code === undefined || (error as RpcError).code === code)
  );
}

/** What scripts look for at the end of ctr's messages. */
const endings: Readonly<Partial<Record<RpcError["code"], string>>> = {
  NotFound: "not found",
  AlreadyExists: "already exists",
  InvalidArgument: "invalid argument",
  FailedPrecondition: "failed precondition",
  PermissionDenied: "permission denied",
  Unimplemented: "not implemented",
};

/** What to tell a person of a failure, and the exit code. */
export async function describeFailure(error: unknown, context: Pick<Context, "endpoint">): Promise<Failure> {
  if (error instanceof CommandError) return { message: printable(error.message), exitCode: error.exitCode };
  return { message: printable(await words(error, context)), exitCode: 1 };
}

async function words(error: unknown, context: Pick<Context, "endpoint">): Promise<string> {
  if (!isRpcError(error)) return error instanceof Error ? error.message : String(error);
  // a lost connection is nothing that the supervisor said
  if (error.code === "Unavailable") return (await unreachable(context.endpoint, "supervisor")) ?? error.message;
  const ending = endings[error.code];
  return ending === undefined || error.message.includes(ending) ? error.message : `${error.message}: ${ending}`;
}

/**
 * Does something for each of several things; a failure of one is told and does not stop the others.
 * @returns 1 when any failed
 */
export async function forEach(
  context: Context,
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<number> {
  return await forEachName(names, work, async (error) => {
    const { message } = await describeFailure(error, context);
    context.out.printError(`ctr: ${message}`);
    return !isRpcError(error, "Unavailable");
  });
}
