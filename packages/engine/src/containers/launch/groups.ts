import { asErrorReason, RpcError } from "@gantry/ipc";
import { FileTooLargeError, nativeSys, openDirectory, readFileInRoot } from "@gantry/native-sys";
import { AccountError, maxAccountFileBytes, resolveGroups } from "@gantry/oci-spec/accounts";
import { invalid } from "../../base/errors.ts";
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

/** @throws RpcError InvalidArgument for a file that is too large to be one of accounts */
function readGroupFile(rootfs: string): Uint8Array {
  const native = nativeSys();
  using root = openDirectory(native, rootfs);
  try {
    return readFileInRoot(native, root.number, "etc/group", { maxBytes: maxAccountFileBytes });
  } catch (error) {
    throw error instanceof FileTooLargeError ? invalid(error.message) : error;
  }
}
