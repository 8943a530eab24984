import { CLD_EXITED, P_PID, WEXITED } from "@gantry/native-sys";
import type { Host } from "../../host.ts";
import { ready } from "./ready.ts";

/**
 * Waits for a child's end; the exit status as shells count it.
 * @param limitMs for a killed child: a process that is frozen or in uninterruptible sleep does not end
 * @throws Error once the limit is over
 */
export async function waitForExit(host: Host, pid: number, limitMs?: number): Promise<number> {
  const { native } = host;
  const pidFd = native.pidfdOpen(pid);
  try {
    if (!(await ready(host, pidFd, limitMs === undefined ? {} : { limitMs })))
      throw new Error(`process ${pid} has not ended within ${(limitMs ?? 0) / 1000} s`);
    const end = native.waitid(P_PID, pid, WEXITED);
    if (!end) return 0;
    return end.code === CLD_EXITED ? end.status : 128 + end.status;
  } finally {
    native.closeFd(pidFd);
  }
}
