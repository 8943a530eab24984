import {
  type BigIntStats,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath, readable, toBytePath } from "../layers/byte-path.ts";
import { copyFile, copyMetadata } from "../layers/copy-up.ts";

/** Entries between which other work of this process gets its turn. */
const entriesPerTurn = 64;

/**
 * Copies all below a directory, and the directory's own metadata, to another one that is empty: owners, modes, times,
 * attributes, links, devices. Extents are shared where the file system can, and holes stay holes.
 */
export async function copyTree(native: NativeSys, from: string, to: string): Promise<void> {
  await new TreeCopy(native).run(toBytePath(from), toBytePath(to));
}

class TreeCopy {
  readonly #native: NativeSys;
  /** First copies of files with several names, by inode. */
  readonly #linked = new Map<bigint, BytePath>();
  #entries = 0;

  constructor(native: NativeSys) {
    this.#native = native;
  }

  async run(from: BytePath, to: BytePath): Promise<void> {
    const root = lstatSync(fsPath(from), { bigint: true });
    const directories: [BytePath, BytePath, BigIntStats][] = [[from, to, root]];
    for (let at = 0; at < directories.length; at++) {
      const [source, target] = directories[at] as [BytePath, BytePath, BigIntStats];
      for (const name of readdirSync(fsPath(source), "latin1")) {
        const paths = [`${source}/${name}`, `${target}/${name}`] as const;
        const stats = lstatSync(fsPath(paths[0]), { bigint: true });
        if (stats.isDirectory()) {
          mkdirSync(fsPath(paths[1]), 0o700);
          directories.push([...paths, stats]);
        } else this.#copy(...paths, stats);
        this.#entries += 1;
        if (this.#entries % entriesPerTurn === 0) await turn();
      }
    }
    // Writing into a directory changes its times.
    for (const [source, target, stats] of directories.reverse()) copyMetadata(this.#native, source, target, stats);
  }

  #copy(from: BytePath, to: BytePath, stats: BigIntStats): void {
    if (stats.isSocket()) return; // nobody listens on a copy
    const first = stats.nlink > 1n ? this.#linked.get(stats.ino) : undefined;
    if (first !== undefined) {
      linkSync(fsPath(first), fsPath(to));
      return;
    }
    if (stats.nlink > 1n) this.#linked.set(stats.ino, to);
    if (stats.isSymbolicLink()) symlinkSync(readlinkSync(fsPath(from), "buffer"), fsPath(to));
    else if (stats.isFile()) copyFile(this.#native, from, to, stats);
    else {
      const type = Number(stats.mode) & constants.S_IFMT;
      this.#native.mknod(fsPath(to), type | 0o600, major(stats.rdev), minor(stats.rdev));
    }
    try {
      copyMetadata(this.#native, from, to, stats);
    } catch (error) {
      throw new Error(`copying ${readable(from)}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** makedev(3)'s parts of a device number, as the kernel packs them for stat(2). */
export function major(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
}

export function minor(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));
}
