import { lstatSync, readdirSync, type Stats } from "node:fs";
import type { NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath, toBytePath } from "@gantry/tree-copy/byte-path";

export const opaqueXattr = "trusted.overlay.opaque";

/** The mark of overlayfs for a removed name: a character device 0/0 (Documentation/filesystems/overlayfs). */
export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** True when a directory of a layer hides the directories of its name in the layers below. */
export function isOpaque(native: NativeSys, directory: BytePath): boolean {
  return native.getxattr(fsPath(directory), opaqueXattr, false)?.toString("latin1") === "y";
}

export function lstatOrNone(path: BytePath): Stats | undefined {
  return lstatSync(fsPath(path), { throwIfNoEntry: false });
}

/** The layers below the layer being written, as overlayfs merges them. */
export class LowerView {
  readonly #native: NativeSys;
  readonly #layers: readonly BytePath[];

  /** @param layers directories of the layers, topmost first */
  constructor(native: NativeSys, layers: readonly string[]) {
    this.#native = native;
    this.#layers = layers.map(toBytePath);
  }

  get isEmpty(): boolean {
    return this.#layers.length === 0;
  }

  /** The names in the root. */
  names(): BytePath[] {
    const all = new Set(this.#layers.flatMap((layer) => readdirSync(fsPath(layer), "latin1")));
    return [...all].filter((name) => this.find([name]) !== undefined);
  }

  /**
   * Finds a file by its path, whose parents are known to be directories and not links.
   * @returns the path of the file in its layer; undefined when there is none
   */
  find(components: readonly BytePath[]): { path: BytePath; stats: Stats } | undefined {
    for (const layer of this.#layers) {
      const found = this.#walk(layer, components);
      if (found === "hidden") return undefined;
      if (found) return found;
    }
    return undefined;
  }

  #walk(layer: BytePath, components: readonly BytePath[]): { path: BytePath; stats: Stats } | "hidden" | undefined {
    let path = layer;
    let isHiding = false;
    for (const [at, name] of components.entries()) {
      path += `/${name}`;
      const stats = lstatOrNone(path);
      if (!stats) return isHiding ? "hidden" : undefined;
      if (isWhiteout(stats)) return "hidden";
      if (at === components.length - 1) return { path, stats };
      if (!stats.isDirectory()) return "hidden";
      isHiding ||= isOpaque(this.#native, path);
    }
    return undefined;
  }
}
