import { isSystemError, type NativeSys, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from "@gantry/native-sys";

/**
 * Opens a path with a directory as its root: symbolic links, absolute ones too, are resolved inside
 * (openat2(2), RESOLVE_IN_ROOT).
 * @returns a descriptor, or undefined where nothing is at the path
 */
export function openInRoot(native: NativeSys, root: number, path: string | Buffer, flags: number): number | undefined {
  try {
    return native.openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}
