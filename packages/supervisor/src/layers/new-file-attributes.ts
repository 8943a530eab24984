import { fstatSync } from "node:fs";
import type { TarEntry } from "./tar-reader.ts";

const S_ISGID = 0o2000;
const permissionBits = 0o777;
const privateMode = 0o600;

/**
 * Decides whether open(2) gives a new file its owner and mode already, which saves two system calls per file: the file
 * belongs to this process's user, the process masks no mode bits, and no directory passes on a group or an access list.
 */
export class NewFileAttributes {
  readonly #isExact: boolean;
  readonly #owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  /** Whether directories pass on their group or access list; undefined until the first file shows it. */
  #inherits: boolean | undefined;

  /** @param isExact the process's umask is 0, and the target directory is empty */
  constructor(isExact: boolean) {
    this.#isExact = isExact;
  }

  /** The mode argument of open(2) for an entry. */
  modeOf(entry: TarEntry): number {
    return this.#isOwn(entry) ? entry.mode : privateMode;
  }

  /** True when a file that was created with `modeOf` needs neither fchown(2) nor fchmod(2). */
  isDone(entry: TarEntry, fd: number): boolean {
    if (!this.#isOwn(entry)) return false;
    // A mount option may make every directory pass on its group (ext4(5), "grpid").
    this.#inherits ??= fstatSync(fd).gid !== this.#owner.gid;
    return !this.#inherits;
  }

  /** Must be called for each directory before its entries are created. */
  directory({ mode, xattrs }: TarEntry): void {
    if ((mode & S_ISGID) !== 0 || xattrs?.has("system.posix_acl_default")) this.#inherits = true;
  }

  #isOwn({ mode, uid, gid }: TarEntry): boolean {
    const isPlain = this.#isExact && this.#inherits !== true && (mode & ~permissionBits) === 0;
    return isPlain && uid === this.#owner.uid && gid === this.#owner.gid;
  }
}
