import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { isSystemError, type NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath, readable } from "@gantry/tree-copy/byte-path";
import { opaqueXattr } from "../layers/lower-view.ts";

/** One name in a view. */
export interface ViewNode {
  /** The file itself; of a directory the topmost layer's, whose metadata counts. */
  readonly path: BytePath;
  readonly stats: BigIntStats;
  /** Of a directory: those of all layers that make it up, topmost first. */
  readonly directories: readonly BytePath[] | undefined;
}

/** A tree as overlayfs merges it from layers, or a plain one, without anything mounted. */
export class MergedView {
  readonly native: NativeSys;
  readonly #isStacked: boolean;

  /** @param isStacked false: one directory that holds all as it is */
  constructor(native: NativeSys, isStacked: boolean) {
    this.native = native;
    this.#isStacked = isStacked;
  }

  /** @param layers topmost first; none is a tree with nothing in it */
  root(layers: readonly BytePath[]): ViewNode | undefined {
    const [top] = layers;
    if (top === undefined) return undefined;
    return { path: top, stats: lstatSync(fsPath(top), { bigint: true }), directories: layers };
  }

  /** What is in a directory, by name. */
  children({ directories = [] }: ViewNode): Map<BytePath, ViewNode> {
    const found = new Map<BytePath, { path: BytePath; stats: BigIntStats; directories: BytePath[] | undefined }>();
    /** Names that nothing further below can add to. */
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
    // Never written by the mounts that are made here; followed, it would name another directory of the layers below.
    if (this.native.getxattr(place, "trusted.overlay.redirect", false)) {
      throw new Error(`${readable(path)} is a directory that overlayfs redirects: this cannot be read`);
    }
    return this.native.getxattr(place, opaqueXattr, false)?.toString("latin1") === "y";
  }
}

/** A container may remove what was just listed. */
function lstatOrGone(path: BytePath): BigIntStats | undefined {
  return lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
}
