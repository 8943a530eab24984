import { RpcError } from "@gantry/ipc";

/** Shorthands for the errors that callers get. */

export const notFound = (message: string): RpcError => new RpcError("NotFound", message);
export const invalid = (message: string): RpcError => new RpcError("InvalidArgument", message);
export const conflict = (message: string): RpcError => new RpcError("FailedPrecondition", message);
export const exists = (message: string): RpcError => new RpcError("AlreadyExists", message);
export const internal = (message: string, cause?: unknown): RpcError =>
  new RpcError("Internal", message, undefined, cause === undefined ? undefined : { cause });
