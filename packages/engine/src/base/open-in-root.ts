import {
  AT_FDCWD,
  Fd,
  isSystemError,
  type NativeSys,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "@gantry/native-sys";

/**
 * Opens a path inside a container's root file system. Symbolic links are resolved by the kernel as a process inside
 * would see them (openat2(2), RESOLVE_IN_ROOT), so none points outside.
 * @param root the root file system, mounted
 * @param flags open(2)'s; O_NONBLOCK where a FIFO must not block
 * @returns undefined where nothing of that kind is
 */
export function openInRoot(native: NativeSys, root: string, path: string, flags: number): Fd | undefined {
  using base = new Fd(native.openat2(AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0));
  try {
    return new Fd(native.openat2(base.number, path, flags | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR", "ELOOP", "ENXIO")) return undefined;
    throw error;
  }
}
