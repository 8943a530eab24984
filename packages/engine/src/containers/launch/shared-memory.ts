import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isSystemError, MNT_DETACH, MS_NODEV, MS_NOEXEC, MS_NOSUID, type NativeSys } from "@gantry/native-sys";

/** Size of /dev/shm where none is requested. */
export const defaultShmBytes = 64 * 1024 * 1024;

/**
 * /dev/shm of containers whose IPC namespace others may join: a tmpfs on the host per running container, which is bound
 * into it and into each container that joins. A container that has joined keeps the files when the first one ends.
 */
export class SharedMemory {
  readonly #native: NativeSys;
  readonly #directory: string;

  /** @param directory holds one mount point per container */
  constructor(native: NativeSys, directory: string) {
    this.#native = native;
    this.#directory = directory;
  }

  path(id: string): string {
    return join(this.#directory, id);
  }

  /** Mounts a new tmpfs for a start. @throws SystemError */
  mount(id: string, bytes: number): void {
    this.remove(id);
    const path = this.path(id);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    this.#native.mount("shm", path, "tmpfs", MS_NOEXEC | MS_NOSUID | MS_NODEV, `mode=1777,size=${bytes}`);
  }

  /** Takes a container's mount away. Does nothing where there is none. @throws SystemError */
  remove(id: string): void {
    const path = this.path(id);
    for (;;) {
      try {
        this.#native.umount(path, MNT_DETACH);
      } catch (error) {
        if (!isSystemError(error, "EINVAL", "ENOENT")) throw error;
        break;
      }
    }
    rmSync(path, { recursive: true, force: true });
  }

  /** Ids of the containers that have a mount, or had one before the machine's last boot. */
  ids(): string[] {
    try {
      return readdirSync(this.#directory);
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return [];
      throw error;
    }
  }
}
