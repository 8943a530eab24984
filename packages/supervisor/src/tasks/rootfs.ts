import { close, openSync } from "node:fs";
import { promisify } from "node:util";
import {
  isSystemError,
  MNT_DETACH,
  type NativeSys,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  UMOUNT_NOFOLLOW,
} from "@gantry/native-sys";

const closeAsync = promisify(close);

/**
 * Unmounts every mount on a directory; none is no error. Resolves once the last file system is gone. Ending an overlay
 * writes back the dirty pages of its upper file system, which may take long: a descriptor keeps the mount alive while
 * it is detached, and the file system ends on a thread of libuv, which closes that.
 */
export async function unmountAll(native: NativeSys, target: string): Promise<void> {
  for (;;) {
    const fd = openDirectory(target);
    if (fd === undefined) return;
    let isMounted = true;
    try {
      native.umount(target, UMOUNT_NOFOLLOW | MNT_DETACH);
    } catch (error) {
      if (!isSystemError(error, "EINVAL", "ENOENT")) throw error;
      isMounted = false;
    } finally {
      await closeAsync(fd);
    }
    if (!isMounted) return;
  }
}

function openDirectory(path: string): number | undefined {
  try {
    return openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
