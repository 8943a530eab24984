import { isListening } from "@gantry/ipc";
import { shimEndpoint } from "@gantry/ipc/formats/shim-directory";
import type { NativeSys } from "@gantry/native-sys";
import { removeShimFiles } from "./fifos.ts";
import { connectShim, type ShimClient } from "./shim.ts";

const shutdownTimeoutMs = 5000;

/** Ends a shim in any state. A shim that has died, or dies while it answers, is no failure. */
export async function shutDownShim(client: ShimClient): Promise<void> {
  try {
    await client.call("shutdown", { now: true }, { timeoutMs: shutdownTimeoutMs });
  } catch {
    // It has ended, or ends when its lease does.
  }
}

/** Ends a shim without a task, and removes its directory. */
export async function removeShim(native: NativeSys, directory: string): Promise<void> {
  const endpoint = shimEndpoint(directory);
  if (await isListening(endpoint)) {
    const client = connectShim(endpoint);
    await shutDownShim(client);
    client.close();
  }
  await removeShimFiles(native, directory);
}
