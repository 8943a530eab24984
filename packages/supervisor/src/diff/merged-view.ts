import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { isSystemError, type NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath, readable } from "@gantry/tree-copy/byte-path";
import { opaqueXattr } from "../layers/lower-view.ts";

/** A file or directory in a view. */
export interface ViewNode {
  /** Path of the file; for a directory, of the one in the topmost layer, whose metadata counts. */
  readonly path: BytePath;
  readonly stats: BigIntStats;
  /** For a directory: its directories in all layers, topmost first. */
  readonly directories: readonly BytePath[] | undefined;
}

/** A tree as overlayfs would merge it from layers, or a plain one, read without a mount. */
export class MergedView {
  readonly native: NativeSys;
  readonly #isStacked: boolean;

  /** @param isStacked false: one plain directory */
  constructor(native: NativeSys, isStacked: boolean) {
    this.native = native;
    this.#isStacked = isStacked;
  }

  /** @param layers topmost first; none for an empty tree */
  root(layers: readonly BytePath[]): ViewNode | undefined {
    const [top] = layers;
    if (top === undefined) return undefined;
    return { path: top, stats: lstatSync(fsPath(top), { bigint: true }), directories: layers };
  }

  /** The entries of a directory, by name. */
  children({ directories = [] }: ViewNode): Map<BytePath, ViewNode> {
    const found = new Map<BytePath, { path: BytePath; stats: BigIntStats; directories: BytePath[] | undefined }>();
    /** Names that layers further below cannot change. */
    const closed = new Set<BytePath>();
    for (const directory of directories) {
      for (const name of this.#names(directory)) {
        if (closed.has(name)) continue;
        const path = `${directory}/${name}`;
        const stats = lstatOrGone(path);
        if (stats === undefined) continue;
        const above = found.get(name);
        if (!stats.isDirectory() || (this.#isStacked && this.#isOpaque(path))) closed.add(name);
        if (above) {
          if (stats.isDirectory()) above.directories?.push(path);
        } else if (!this.#isWhiteout(stats)) {
          found.set(name, { path, stats, directories: stats.isDirectory() ? [path] : undefined });
        }
      }
    }
    return found;
  }

  #names(directory: BytePath): string[] {
    try {
      return readdirSync(fsPath(directory), "latin1");
    } catch (error) {
      if (isSystemError(error, "ENOENT", "ENOTDIR")) return [];
      throw error;
    }
  }

  #isWhiteout(stats: BigIntStats): boolean {
    return this.#isStacked && stats.isCharacterDevice() && stats.rdev === 0n;
  }

  #isOpaque(path: BytePath): boolean {
    const place = fsPath(path);
    // Our mounts never write this attribute. It would refer to another directory of the layers below.
    if (this.native.getxattr(place, "trusted.overlay.redirect", false)) {
      throw new Error(`${readable(path)} is a directory that overlayfs redirects, which is not supported`);
    }
    return this.native.getxattr(place, opaqueXattr, false)?.toString("latin1") === "y";
  }
}

/** Undefined where a running container has removed the file since it was listed. */
function lstatOrGone(path: BytePath): BigIntStats | undefined {
  return lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
}
