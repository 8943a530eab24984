import { POLLIN } from "@gantry/native-sys";
import type { Host } from "../host.ts";

/** Waits until a descriptor is ready, of a pidfd until its process has ended. @param events poll(2)'s */
export function ready({ native }: Host, fd: number, events = POLLIN): Promise<void> {
  return new Promise((resolve) => {
    const watch = native.watchFd(fd, events, () => {
      watch.close();
      resolve();
    });
  });
}
