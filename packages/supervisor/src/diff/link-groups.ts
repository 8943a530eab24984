import type { BytePath } from "@gantry/tree-copy/byte-path";
import type { ViewNode } from "./merged-view.ts";

/** Which names of a tree are one file. */
export class LinkGroups {
  /** First name of each file that has several, in the tree's order. */
  readonly #first = new Map<string, BytePath>();
  readonly #changed = new Set<string>();

  add(path: BytePath, { stats }: ViewNode): void {
    if (stats.nlink < 2n) return;
    const key = keyOf(stats);
    if (!this.#first.has(key)) this.#first.set(key, path);
  }

  /** The first name of a file: the given one where it has no other. */
  first(path: BytePath, { stats }: ViewNode): BytePath {
    return stats.nlink < 2n ? path : (this.#first.get(keyOf(stats)) ?? path);
  }

  markChanged({ stats, directories }: ViewNode): void {
    if (!directories && stats.nlink > 1n) this.#changed.add(keyOf(stats));
  }

  /** True when any of its names was changed. */
  isChanged({ stats, directories }: ViewNode): boolean {
    return !directories && stats.nlink > 1n && this.#changed.has(keyOf(stats));
  }
}

function keyOf({ dev, ino }: ViewNode["stats"]): string {
  return `${dev}:${ino}`;
}
