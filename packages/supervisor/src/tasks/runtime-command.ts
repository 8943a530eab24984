import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Runtime } from "@gantry/ipc/contracts/common";

const timeoutMs = 20_000;
/** Killed processes may take long to be gone: their new parent has to reap them. */
const longestMs = 40_000;
const firstPauseMs = 250;

/**
 * Removes a container whose shim is dead, in whatever state it is, by the OCI runtime's command line: its processes are
 * killed. With --force a container that the runtime does not know is a success (runc, crun, youki, oci-runtime).
 */
export async function forceDelete(runtime: Runtime, id: string): Promise<void> {
  const end = performance.now() + longestMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await deleteOnce(runtime, id);
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(firstPauseMs * attempt);
    }
  }
}

async function deleteOnce(runtime: Runtime, id: string): Promise<void> {
  const args = [...(runtime.args ?? []), "--root", runtime.root, "delete", "--force", id];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  execFile(runtime.path, args, { timeout: timeoutMs, cwd: "/" }, (error, _, stderr) => {
    if (!error) resolve();
    else reject(new Error(`${runtime.path} delete --force ${id}: ${stderr.trim() || error.message}`));
  });
  await promise;
}
