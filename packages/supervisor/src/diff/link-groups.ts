import type { BytePath } from "@gantry/tree-copy/byte-path";
import type { ViewNode } from "./merged-view.ts";

/** The names of a tree that are hard links of one file. */
export class LinkGroups {
  /** First name, in the order of the tree, of each file with several names. */
  readonly #first = new Map<string, BytePath>();
  readonly #changed = new Set<string>();

  add(path: BytePath, { stats }: ViewNode): void {
    if (stats.nlink < 2n) return;
    const key = keyOf(stats);
    if (!this.#first.has(key)) this.#first.set(key, path);
  }

  /** The first name of a file; the given one for a file with one name. */
  first(path: BytePath, { stats }: ViewNode): BytePath {
    return stats.nlink < 2n ? path : (this.#first.get(keyOf(stats)) ?? path);
  }

  markChanged({ stats, directories }: ViewNode): void {
    if (!directories && stats.nlink > 1n) this.#changed.add(keyOf(stats));
  }

  /** True when any name of the file was changed. */
  isChanged({ stats, directories }: ViewNode): boolean {
    return !directories && stats.nlink > 1n && this.#changed.has(keyOf(stats));
  }
}

function keyOf({ dev, ino }: ViewNode["stats"]): string {
  return `${dev}:${ino}`;
}
