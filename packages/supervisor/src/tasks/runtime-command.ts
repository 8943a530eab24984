import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Runtime } from "@gantry/ipc/contracts/common";

const timeoutMs = 20_000;
/** Processes that were killed may take long to be gone: their new parent has to take notice. */
const attempts = 8;
const firstPauseMs = 250;

/**
 * Removes a container whatever state it is in, by the OCI runtime's command line: its processes are killed.
 * For when its shim is dead. A container that the runtime does not know is no error.
 */
export async function forceDelete(runtime: Runtime, id: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await deleteOnce(runtime, id);
    } catch (error) {
      if (attempt === attempts) throw error;
      await delay(firstPauseMs * attempt);
    }
  }
}

async function deleteOnce(runtime: Runtime, id: string): Promise<void> {
  const args = [...(runtime.args ?? []), "--root", runtime.root, "delete", "--force", id];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  execFile(runtime.path, args, { timeout: timeoutMs, cwd: "/" }, (error, _, stderr) => {
    if (!error || /not exist|no such/i.test(stderr)) resolve();
    else reject(new Error(`${runtime.path} delete --force ${id}: ${stderr.trim() || error.message}`));
  });
  await promise;
}
