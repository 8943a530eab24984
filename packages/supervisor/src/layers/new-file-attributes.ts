import { fstatSync } from "node:fs";
import type { TarEntry } from "./tar-reader.ts";

const S_ISGID = 0o2000;
const permissionBits = 0o777;
const privateMode = 0o600;

/**
 * Tells when a new file has its owner and its mode from the start, so that two calls for each file can be left out:
 * where it is to be its maker's, the process masks no mode, and no directory hands down a group or an access list.
 */
export class NewFileAttributes {
  readonly #isExact: boolean;
  readonly #owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  /** Undefined until a first file has shown it. */
  #handsDown: boolean | undefined;

  /** @param isExact the process's file mode mask is 0, and the directory that is written into holds nothing yet */
  constructor(isExact: boolean) {
    this.#isExact = isExact;
  }

  /** What a file's open(2) gets. */
  modeOf(entry: TarEntry): number {
    return this.#isOwn(entry) ? entry.mode : privateMode;
  }

  /** True when the file that was just made with `modeOf` needs neither fchown(2) nor fchmod(2). */
  isDone(entry: TarEntry, fd: number): boolean {
    if (!this.#isOwn(entry)) return false;
    // A file system may be mounted so that every directory hands down its group (ext4(5), "grpid").
    this.#handsDown ??= fstatSync(fd).gid !== this.#owner.gid;
    return !this.#handsDown;
  }

  /** To be told of each directory before anything is made in it. */
  directory({ mode, xattrs }: TarEntry): void {
    if ((mode & S_ISGID) !== 0 || xattrs?.has("system.posix_acl_default")) this.#handsDown = true;
  }

  #isOwn({ mode, uid, gid }: TarEntry): boolean {
    const isPlain = this.#isExact && this.#handsDown !== true && (mode & ~permissionBits) === 0;
    return isPlain && uid === this.#owner.uid && gid === this.#owner.gid;
  }
}
