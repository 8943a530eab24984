import { constants, readFileSync } from "node:fs";
import { asErrorReason, RpcError } from "@gantry/ipc";
import { nativeSys } from "@gantry/native-sys";
import { AccountError, resolveGroups } from "@gantry/oci-spec/accounts";
import { openInRoot } from "../../base/open-in-root.ts";
import type { ContainerDocument } from "../document.ts";
import { type RootfsDeps, withRootfs } from "./record.ts";

/**
 * GroupAdd as numbers; names are looked up in the container's own /etc/group.
 * @throws RpcError InvalidArgument, with GroupNotFound for a name that does not exist there
 */
export async function groupsOf(deps: RootfsDeps, document: ContainerDocument): Promise<number[]> {
  const requested = document.hostConfig.GroupAdd ?? [];
  if (requested.length === 0) return [];
  // Numbers need no look-up, and so no mounted root file system.
  const isNumeric = requested.every((group) => /^\d+$/.test(group));
  const file = isNumeric ? new Uint8Array() : await withRootfs(deps, document, async (root) => readGroupFile(root));
  try {
    return resolveGroups(requested, file);
  } catch (error) {
    if (!(error instanceof AccountError)) throw error;
    const reason = asErrorReason(error.reason);
    const message = error.message.replace(/^unable/, "Unable");
    throw new RpcError("InvalidArgument", message, reason && { reason }, { cause: error });
  }
}

/** Empty where there is no such file. */
function readGroupFile(root: string): Uint8Array {
  using file = openInRoot(nativeSys(), root, "/etc/group", constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return file === undefined ? new Uint8Array() : readFileSync(file.number);
  } catch {
    return new Uint8Array();
  }
}
