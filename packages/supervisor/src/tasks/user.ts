import { fstatSync, readFileSync } from "node:fs";
import { asErrorReason, RpcError } from "@gantry/ipc";
import {
  AT_FDCWD,
  Fd,
  isSystemError,
  type NativeSys,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "@gantry/native-sys";
import { AccountError, type ResolvedUser, resolveUser } from "@gantry/oci-spec/accounts";
import { invalidArgument } from "../errors.ts";

const maxFileBytes = 64 << 20;

/**
 * Resolves user[:group] in a root file system by Docker's rules (@gantry/oci-spec/accounts).
 * @throws RpcError InvalidArgument, with UserNotFound or GroupNotFound for a name that does not exist there
 */
export function resolveUserIn(native: NativeSys, rootfs: string, request: string): ResolvedUser {
  using root = new Fd(native.openat2(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0));
  const passwd = readInRoot(native, root.number, "etc/passwd");
  const group = readInRoot(native, root.number, "etc/group");
  try {
    return resolveUser(request, { passwd, group });
  } catch (error) {
    if (!(error instanceof AccountError)) throw error;
    const reason = asErrorReason(error.reason);
    throw new RpcError("InvalidArgument", error.message, reason && { reason }, { cause: error });
  }
}

/**
 * Reads a file with the root file system as root, wherever links lead; empty where there is no such file.
 * @throws RpcError InvalidArgument for a file that is too large to be one of accounts
 */
function readInRoot(native: NativeSys, rootFd: number, path: string): Uint8Array {
  try {
    // Opening a named pipe must not block.
    const flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    using file = new Fd(native.openat2(rootFd, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
    const stats = fstatSync(file.number);
    if (!stats.isFile()) return new Uint8Array();
    if (stats.size > maxFileBytes)
      throw invalidArgument(`/${path} has ${stats.size} bytes, at most ${maxFileBytes} are read`);
    return readFileSync(file.number);
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO")) return new Uint8Array();
    throw error;
  }
}
