import { unreachable } from "@gantry/cli/endpoint";
import { forEachName } from "@gantry/cli/for-each";
import { printable } from "@gantry/cli/printable";
import { messageOf } from "@gantry/common/error-message";
import { type ErrorCode, isRpcError } from "@gantry/ipc/contracts/errors";
import { CommandError, type Context } from "../command.ts";

export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

/** The endings of containerd's messages, which scripts look for. */
const endings: Readonly<Partial<Record<ErrorCode, string>>> = {
  NotFound: "not found",
  AlreadyExists: "already exists",
  InvalidArgument: "invalid argument",
  FailedPrecondition: "failed precondition",
  PermissionDenied: "permission denied",
  Unimplemented: "not implemented",
};

type Searched = Pick<Context, "endpoint" | "searched">;

/** The message and exit code for a failure. */
export async function describeFailure(error: unknown, context: Searched): Promise<Failure> {
  if (error instanceof CommandError) return { message: printable(error.message), exitCode: error.exitCode };
  return { message: printable(await messageFor(error, context)), exitCode: 1 };
}

async function messageFor(error: unknown, context: Searched): Promise<string> {
  if (!isRpcError(error)) return messageOf(error);
  // A lost connection is not a report of the supervisor.
  if (error.code === "Unavailable") return (await noSupervisor(context)) ?? error.message;
  const ending = endings[error.code];
  return ending === undefined || error.message.includes(ending) ? error.message : `${error.message}: ${ending}`;
}

async function noSupervisor({ endpoint, searched }: Searched): Promise<string | undefined> {
  if (searched.length < 2) return await unreachable(endpoint, "supervisor");
  const places = searched.join(" or ");
  const absent = `Cannot connect to a Gantry supervisor: none listens at ${places}. Is the engine or a supervisor running?`;
  return await unreachable(endpoint, "supervisor", absent);
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
    context.out.printError(`ctr: ${message}`);
    return !isRpcError(error, "Unavailable");
  });
}
