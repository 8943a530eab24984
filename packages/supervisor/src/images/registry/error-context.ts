import { isRpcError, RpcError } from "@gantry/ipc";
import { inContext } from "../../errors.ts";
import { TransientError } from "./retry.ts";

/** What a caller is told of a failure: one that stayed after all attempts is Unavailable. */
export function lastCause(error: unknown): unknown {
  return error instanceof TransientError ? new RpcError("Unavailable", error.message) : error;
}

/** Does something with a registry; a failure says what was to be done. @throws RpcError */
export async function inWords<T>(context: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = lastCause(error);
    if (isRpcError(cause, "Cancelled")) throw cause;
    throw inContext(cause, context);
  }
}
