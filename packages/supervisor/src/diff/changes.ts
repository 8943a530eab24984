import { setImmediate as yieldToEventLoop } from "node:timers/promises";
import type { BytePath } from "@gantry/tree-copy/byte-path";
import { LinkGroups } from "./link-groups.ts";
import type { MergedView, ViewNode } from "./merged-view.ts";
import { isSame } from "./same-file.ts";

/** A change of one path between two trees. */
export interface Change {
  /** Relative to the root; empty for the root itself. */
  readonly path: BytePath;
  /** The node in the upper tree; undefined when the path was removed. */
  readonly node: ViewNode | undefined;
}

const directoriesPerSlice = 64;

/**
 * Compares two trees. The changes come in the order of a layer: by name, directories before their entries, with the
 * parent directories of each change.
 * @param lower undefined for an empty tree
 * @param leaveOut paths that do not count as changes where they are new and empty: mount points
 */
export async function changesBetween(
  view: MergedView,
  lower: ViewNode | undefined,
  upper: ViewNode,
  leaveOut: ReadonlySet<BytePath> = new Set(),
): Promise<{ changes: Change[]; links: LinkGroups }> {
  const walk = new Walk(view, leaveOut);
  const changes = await walk.run(lower, upper);
  return { changes, links: walk.upperLinks };
}

class Walk {
  readonly #view: MergedView;
  readonly #leaveOut: ReadonlySet<BytePath>;
  readonly #lowerLinks = new LinkGroups();
  readonly upperLinks = new LinkGroups();
  #directories = 0;

  constructor(view: MergedView, leaveOut: ReadonlySet<BytePath>) {
    this.#view = view;
    this.#leaveOut = leaveOut;
  }

  async run(lower: ViewNode | undefined, upper: ViewNode): Promise<Change[]> {
    const all: Compared[] = [];
    await this.#directory("", lower, upper, all);
    const isChanged = all.map((one) => one.isChanged || this.#isLinkedAnew(one));
    for (const [at, { node }] of all.entries()) if (node && isChanged[at]) this.upperLinks.markChanged(node);
    // Files that share an inode with a changed one are included, so that they stay links.
    const chosen = all.map(({ node }, at) => isChanged[at] || (node !== undefined && this.upperLinks.isChanged(node)));
    const needed = withParents(all, chosen);
    return all.filter((_, at) => needed[at]);
  }

  async #directory(path: BytePath, lower: ViewNode | undefined, upper: ViewNode, all: Compared[]): Promise<void> {
    this.#directories += 1;
    if (this.#directories % directoriesPerSlice === 0) await yieldToEventLoop();
    const place = all.push({ path, node: upper, isChanged: !this.#isSame(lower, upper, path !== "") }) - 1;
    const below = lower?.directories ? this.#view.children(lower) : new Map<BytePath, ViewNode>();
    const above = this.#view.children(upper);
    for (const name of [...new Set([...below.keys(), ...above.keys()])].sort()) {
      const [before, now] = [below.get(name), above.get(name)];
      const child = path === "" ? name : `${path}/${name}`;
      if (before && now && isSharedWith(before, now)) continue;
      if (before && !now) all.push({ path: child, node: undefined, isChanged: true });
      if (before && !before.directories) this.#lowerLinks.add(child, before);
      if (!now) continue;
      if (!before && this.#leaveOut.has(child) && this.#isEmpty(now)) {
        // Creating it changed the time of its directory.
        all[place] = { path, node: upper, isChanged: !this.#isSame(lower, upper, false) };
        continue;
      }
      if (now.directories) await this.#directory(child, before, now, all);
      else {
        this.upperLinks.add(child, now);
        const isChanged = !before || !isSame(this.#view.native, before, now);
        all.push({ path: child, node: now, before, isChanged });
      }
    }
  }

  /** @param withTime false for the root, whose time alone does not count as a change */
  #isSame(lower: ViewNode | undefined, upper: ViewNode, withTime: boolean): boolean {
    if (lower) return isSame(this.#view.native, lower, upper, withTime);
    const { mode, uid, gid } = upper.stats;
    return !withTime && (mode & 0o7777n) === 0o755n && uid === 0n && gid === 0n;
  }

  #isEmpty(node: ViewNode): boolean {
    return node.directories ? this.#view.children(node).size === 0 : node.stats.isFile() && node.stats.size === 0n;
  }

  /** True for a name that is linked to another file than before, even with the same content. */
  #isLinkedAnew({ path, node, before }: Compared): boolean {
    if (!node || !before || node.directories) return false;
    return this.upperLinks.first(path, node) !== this.#lowerLinks.first(path, before);
  }
}

interface Compared extends Change {
  /** The node in the lower tree. */
  readonly before?: ViewNode | undefined;
  readonly isChanged: boolean;
}

/** True when both trees have the same directories of the same layers. */
function isSharedWith(one: ViewNode, other: ViewNode): boolean {
  if (one.path !== other.path) return false;
  const [left = [], right = []] = [one.directories, other.directories];
  return left.length === right.length && left.every((path, at) => path === right[at]);
}

/** Adds the parents of the chosen changes. Directories come right before their entries, so one pass from the end is enough. */
function withParents(all: readonly Compared[], chosen: readonly boolean[]): boolean[] {
  const parents = new Set<BytePath>();
  const needed = [...chosen];
  for (let at = all.length - 1; at >= 0; at--) {
    const { path } = all[at] as Compared;
    if (path !== "" && parents.has(path)) needed[at] = true;
    if (needed[at] && path !== "") parents.add(path.slice(0, Math.max(path.lastIndexOf("/"), 0)));
  }
  return needed;
}
