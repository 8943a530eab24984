import { POLLIN } from "@gantry/native-sys";
import type { Host } from "../../host.ts";

interface Wait {
  /** Events of poll(2). */
  readonly events?: number;
  /** Milliseconds; no limit unless given. */
  readonly limitMs?: number;
}

/**
 * Waits until a descriptor is ready, of a pidfd until its process has ended.
 * @returns false once the limit is over
 */
export function ready({ native }: Host, fd: number, { events = POLLIN, limitMs }: Wait = {}): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (found: boolean) => {
      clearTimeout(timer);
      watch.close();
      resolve(found);
    };
    // First, since it may throw: a timer must not outlive that.
    const watch = native.watchFd(fd, events, () => end(true));
    const limited = limitMs !== undefined && Number.isFinite(limitMs);
    const timer = limited ? setTimeout(() => end(false), Math.max(0, limitMs)) : undefined;
  });
}
