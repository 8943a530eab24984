import { collectGarbage, collectGarbageKeepingCode } from "@gantry/common/memory";

/** Late enough to delay nothing that a user waits for. */
const afterStartMs = 300;
const afterCreateMs = 8000;

/**
 * Releases the garbage of the start (3 MB of 14): V8 collects when it needs memory, which a shim beside its container
 * never does. Compiled code stays, or the next container would wait for its compilation.
 */
export function collectAfterStart(): void {
  setTimeout(collectGarbageKeepingCode, afterStartMs).unref();
}

/** The same once the container runs and the runtime's worker has ended. */
export function collectAfterCreate(): void {
  setTimeout(collectGarbage, afterCreateMs).unref();
}
