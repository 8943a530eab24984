import { close, openSync } from "node:fs";
import { promisify } from "node:util";
import {
  isSystemError,
  MNT_DETACH,
  MS_BIND,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  mountOverlay,
  type NativeSys,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  type OverlayMount,
  UMOUNT_NOFOLLOW,
} from "@gantry/native-sys";
import type { MountSpec } from "../snapshots/snapshots.ts";

const closeAsync = promisify(close);

/** Mounts a snapshot on a directory. */
export function mountSnapshot(native: NativeSys, mounts: readonly MountSpec[], target: string): void {
  for (const mount of mounts) {
    if (mount.type === "overlay") mountOverlay({ ...overlayOf(mount), target });
    else {
      native.mount(mount.source, target, null, MS_BIND | MS_REC, null);
      if (mount.options.includes("ro")) native.mount(null, target, null, MS_BIND | MS_REMOUNT | MS_RDONLY, null);
    }
  }
}

/**
 * Unmounts all that is mounted on a directory; nothing mounted is no error. Resolves once the last file system is
 * really gone. The end of an overlay writes out what its upper file system has in memory, which may take long:
 * so the mount is held by a descriptor while it is detached, and ends when one of libuv's threads closes that.
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

function overlayOf(mount: MountSpec): Omit<OverlayMount, "target"> {
  const value = (name: string) => mount.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = value("upperdir");
  const work = value("workdir");
  return {
    lower: value("lowerdir")?.split(":") ?? [],
    ...(upper === undefined || work === undefined ? {} : { upper, work }),
    options: Object.fromEntries(mount.options.filter((option) => !/^(lower|upper|work)dir=/.test(option)).map(pair)),
  };
}

function pair(option: string): [string, string | true] {
  const [key = "", value] = option.split(/=(.*)/s);
  return [key, value ?? true];
}
