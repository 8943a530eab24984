import { firstFailure, messageOf } from "@gantry/common/error-message";
import { type ErrorCode, isRpcError, RpcError } from "@gantry/ipc";

const fail =
  (code: ErrorCode) =>
  (message: string, cause?: unknown): RpcError =>
    new RpcError(code, message, undefined, cause === undefined ? undefined : { cause });

/** One constructor per code; the message is one sentence that names the subject. */
export const notFound = fail("NotFound");
export const alreadyExists = fail("AlreadyExists");
export const invalidArgument = fail("InvalidArgument");
export const failedPrecondition = fail("FailedPrecondition");
export const unavailable = fail("Unavailable");
export const permissionDenied = fail("PermissionDenied");
export const resourceExhausted = fail("ResourceExhausted");
export const unimplemented = fail("Unimplemented");
export const internal = fail("Internal");

/**
 * Prefixes an error's message with its context; the code stays. An error without a code becomes Internal where a system
 * call failed, and InvalidArgument otherwise: then the data of the request is wrong.
 */
export function inContext(thrown: unknown, context: string): RpcError {
  const error = firstFailure(thrown);
  const message = `${context}: ${messageOf(error)}`;
  if (isRpcError(error)) return new RpcError(error.code, message, error.data, { cause: error });
  return new RpcError(isLocalFailure(error) ? "Internal" : "InvalidArgument", message, undefined, { cause: error });
}

/** True for failures of this machine (a full disk, no free descriptors), as against faults of the data that was sent. */
export function isLocalFailure(thrown: unknown): boolean {
  const error = firstFailure(thrown);
  if (isRpcError(error)) return error.code === "ResourceExhausted" || error.code === "Internal";
  if (!(error instanceof Error)) return false;
  const { syscall, code } = error as NodeJS.ErrnoException;
  return typeof syscall === "string" || code === "ERR_SQLITE_ERROR";
}

/**
 * Undoes the steps of a failed operation. The operation's failure is the one to report: a step that fails here is
 * skipped, and its leftover is removed at the next start.
 */
export async function undo(...steps: readonly (() => unknown)[]): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch {}
  }
}

/** True for a missing thing, in a local store or at a registry. */
export function isNotFound(error: unknown): boolean {
  return isRpcError(error, "NotFound");
}
