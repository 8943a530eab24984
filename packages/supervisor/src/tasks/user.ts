import { asErrorReason, RpcError } from "@gantry/ipc";
import { FileTooLargeError, type NativeSys, openDirectory, readFileInRoot } from "@gantry/native-sys";
import { AccountError, maxAccountFileBytes, type ResolvedUser, resolveUser } from "@gantry/oci-spec/accounts";
import { invalidArgument } from "../errors.ts";

/**
 * Resolves user[:group] in a root file system by Docker's rules (@gantry/oci-spec/accounts).
 * @throws RpcError InvalidArgument, with UserNotFound or GroupNotFound for a name that does not exist there, or for a
 * file that is too large to be one of accounts
 */
export function resolveUserIn(native: NativeSys, rootfs: string, request: string): ResolvedUser {
  using root = openDirectory(native, rootfs);
  const read = (path: string) => readFileInRoot(native, root.number, path, { maxBytes: maxAccountFileBytes });
  try {
    return resolveUser(request, { passwd: read("etc/passwd"), group: read("etc/group") });
  } catch (error) {
    if (error instanceof FileTooLargeError) throw invalidArgument(error.message, error);
    if (!(error instanceof AccountError)) throw error;
    const reason = asErrorReason(error.reason);
    throw new RpcError("InvalidArgument", error.message, reason && { reason }, { cause: error });
  }
}
