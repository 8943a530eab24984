import { readdirSync, unlinkSync } from "node:fs";
import { S_IFCHR } from "@gantry/native-sys";
import { type BytePath, fsPath } from "@gantry/tree-copy/byte-path";
import type { LayerTree } from "./layer-tree.ts";
import { isWhiteout, lstatOrNone } from "./lower-view.ts";

/**
 * Applies the whiteouts of a layer (image-spec layer.md, "Whiteouts"). They affect the layers below, and never entries
 * of the layer itself. Older files in the same directory are removed; files of layers below are hidden in the format of
 * overlayfs, by character devices 0/0 and the attribute trusted.overlay.opaque.
 */
export class Whiteouts {
  readonly #tree: LayerTree;
  readonly #isOverlay: boolean;
  /**
   * Paths that this layer has written, with their parents, free of links; undefined where the directory was empty at
   * the start.
   */
  readonly #written: Set<BytePath> | undefined;
  readonly #takenOver = new Set<BytePath>();

  constructor(tree: LayerTree, isOverlay: boolean) {
    this.#tree = tree;
    this.#isOverlay = isOverlay;
    const isFresh = isOverlay && readdirSync(fsPath(`${tree.directory("")}/.`)).length === 0;
    this.#written = isFresh ? undefined : new Set();
  }

  /** Called for each entry of this layer after it was created. @param directory from `LayerTree.directory` */
  wrote(directory: BytePath, name: BytePath): void {
    if (!this.#written && this.#takenOver.size === 0) return;
    const path = this.#tree.resolved(directory, name).join("/");
    this.#takenOver.delete(path);
    this.#mark(path);
  }

  #mark(path: BytePath): void {
    for (let at = path; this.#written && at !== "" && !this.#written.has(at); at = parentOf(at)) this.#written.add(at);
  }

  /** Called for a file that was copied from below as the target of a link. @param path free of links */
  tookOver(path: BytePath): void {
    this.#takenOver.add(path);
  }

  /** True for a file that was in the directory, or below it, before this layer. @param path free of links */
  isOlder(path: BytePath): boolean {
    return this.#written === undefined ? this.#takenOver.has(path) : !this.#written.has(path);
  }

  /**
   * Hides a name; entries of this layer under it stay. The directory is made if it is not there, as Docker, containerd
   * and umoci do.
   * @param path in the tar
   */
  hide(path: BytePath): void {
    const directory = this.#tree.directory(parentOf(path));
    const own = this.#tree.resolved(directory, path);
    const place = `${directory}/${own.at(-1)}`;
    this.#mark(own.slice(0, -1).join("/"));
    if (this.isOlder(own.join("/"))) this.#tree.remove(place);
    const stats = lstatOrNone(place);
    if (stats?.isDirectory()) this.clear(path);
    // One that hides nothing would be listed as a file that is not there.
    else if (!stats && this.#hasBelow && this.#tree.isBelow(own)) this.#tree.native.mknod(fsPath(place), S_IFCHR, 0, 0);
  }

  /** Hides the older entries of a directory. @param path in the tar */
  clear(path: BytePath): void {
    if (this.#hasBelow && path === "") this.#hideAll();
    const directory = this.#tree.directory(path);
    if (this.#hasBelow && path !== "") this.#tree.setOpaque(directory);
    this.#clearOpen(`${directory}/.`, this.#tree.resolved(directory, ".").slice(0, -1));
  }

  /** overlayfs does not look at the attribute of a layer's root. */
  #hideAll(): void {
    for (const name of this.#tree.lower.names()) this.hide(name);
  }

  #clearOpen(directory: BytePath, own: readonly BytePath[]): void {
    const isRoot = own.length === 0;
    for (const name of readdirSync(fsPath(directory), "latin1")) {
      const place = `${directory}/${name}`;
      const child = [...own, name];
      const stats = lstatOrNone(place);
      if (this.isOlder(child.join("/"))) this.#tree.remove(place);
      else if (stats?.isDirectory()) this.#clearOpen(place, child);
      else if (stats && !isRoot && this.#hasBelow && isWhiteout(stats)) unlinkSync(fsPath(place));
    }
  }

  get #hasBelow(): boolean {
    return this.#isOverlay && !this.#tree.lower.isEmpty;
  }
}

/** The parent of a path in a tar; empty for the root. */
export function parentOf(path: BytePath): BytePath {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}
