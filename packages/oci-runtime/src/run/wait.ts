import { CLD_EXITED, P_PID, POLLIN, WEXITED } from "@gantry/native-sys";
import type { Host } from "../host.ts";

/** Waits for a child's end; the exit status as shells count it. */
export async function waitForExit({ native }: Host, pid: number): Promise<number> {
  const pidFd = native.pidfdOpen(pid);
  try {
    await new Promise<void>((resolve) => {
      const watch = native.watchFd(pidFd, POLLIN, () => {
        watch.close();
        resolve();
      });
    });
    const end = native.waitid(P_PID, pid, WEXITED);
    if (!end) return 0;
    return end.code === CLD_EXITED ? end.status : 128 + end.status;
  } finally {
    native.closeFd(pidFd);
  }
}
