import { isRpcError, RpcError } from "@gantry/ipc";
import { inContext } from "../../errors.ts";
import { TransientError } from "./retry.ts";

/** The error to report once retries have ended: a failure that stayed transient becomes Unavailable. */
export function afterRetries(error: unknown): unknown {
  return error instanceof TransientError ? new RpcError("Unavailable", error.message) : error;
}

/**
 * Runs work with a registry, and prefixes its failure with the name of the step.
 * @throws RpcError
 */
export async function withContext<T>(context: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = afterRetries(error);
    if (isRpcError(cause, "Cancelled")) throw cause;
    throw inContext(cause, context);
  }
}
