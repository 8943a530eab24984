import { messageOf } from "@gantry/common/error-message";
import { type ErrorCode, isRpcError, RpcError } from "@gantry/ipc";

const fail =
  (code: ErrorCode) =>
  (message: string, cause?: unknown): RpcError =>
    new RpcError(code, message, undefined, cause === undefined ? undefined : { cause });

/** One constructor per code: the message is one sentence that names the thing. */
export const notFound = fail("NotFound");
export const alreadyExists = fail("AlreadyExists");
export const invalidArgument = fail("InvalidArgument");
export const failedPrecondition = fail("FailedPrecondition");
export const unavailable = fail("Unavailable");
export const permissionDenied = fail("PermissionDenied");
export const resourceExhausted = fail("ResourceExhausted");
export const unimplemented = fail("Unimplemented");
export const internal = fail("Internal");

/** Puts what was being done before an error's words; the code stays, InvalidArgument where it had none. */
export function inContext(error: unknown, context: string): RpcError {
  const message = `${context}: ${messageOf(error)}`;
  if (isRpcError(error)) return new RpcError(error.code, message, error.data, { cause: error });
  return new RpcError(isSystemFailure(error) ? "Internal" : "InvalidArgument", message, undefined, { cause: error });
}

/** Failures of the machine (a full disk, a lost file), as against those of what was sent. */
function isSystemFailure(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** True for what is not there, here or at the other end. */
export function isNotFound(error: unknown): boolean {
  return isRpcError(error, "NotFound");
}
