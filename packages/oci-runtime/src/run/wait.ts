import { CLD_EXITED, P_PID, WEXITED } from "@gantry/native-sys";
import type { Host } from "../host.ts";
import { ready } from "./ready.ts";

/** Waits for a child's end; the exit status as shells count it. */
export async function waitForExit(host: Host, pid: number): Promise<number> {
  const { native } = host;
  const pidFd = native.pidfdOpen(pid);
  try {
    await ready(host, pidFd);
    const end = native.waitid(P_PID, pid, WEXITED);
    if (!end) return 0;
    return end.code === CLD_EXITED ? end.status : 128 + end.status;
  } finally {
    native.closeFd(pidFd);
  }
}
