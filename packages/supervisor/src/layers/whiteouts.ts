import { readdirSync } from "node:fs";
import { S_IFCHR } from "@gantry/native-sys";
import { type BytePath, fsPath } from "@gantry/tree-copy/byte-path";
import type { LayerTree } from "./layer-tree.ts";
import { lstatOrNone } from "./lower-view.ts";

/**
 * Applies the whiteouts of a layer (image-spec layer.md, "Whiteouts"). They affect the layers below, and never entries
 * of the layer itself. Older files in the same directory are removed; files of layers below are hidden in the format of
 * overlayfs, by character devices 0/0 and the attribute trusted.overlay.opaque.
 */
export class Whiteouts {
  readonly #tree: LayerTree;
  readonly #isOverlay: boolean;
  /** Paths that this layer has written, with their parents; undefined where the directory was empty at the start. */
  readonly #written: Set<BytePath> | undefined;

  constructor(tree: LayerTree, isOverlay: boolean) {
    this.#tree = tree;
    this.#isOverlay = isOverlay;
    const isFresh = isOverlay && readdirSync(fsPath(`${tree.directory("")}/.`)).length === 0;
    this.#written = isFresh ? undefined : new Set();
  }

  /** Called for each entry of this layer after it was created. @param path in the tar */
  wrote(path: BytePath): void {
    if (!this.#written) return;
    for (let at = path; at !== "" && !this.#written.has(at); at = parentOf(at)) this.#written.add(at);
  }

  /** Hides a name; entries of this layer under it stay. @param path in the tar */
  hide(path: BytePath): void {
    if (!this.#hasBelow && this.#tree.existing(parentOf(path)) === undefined) return;
    const place = `${this.#tree.directory(parentOf(path))}/${path.slice(path.lastIndexOf("/") + 1)}`;
    if (this.#written && !this.#written.has(path)) this.#tree.remove(place);
    const stats = lstatOrNone(place);
    if (stats?.isDirectory()) this.clear(path);
    else if (!stats && this.#hasBelow) this.#tree.native.mknod(fsPath(place), S_IFCHR, 0, 0);
  }

  /** Hides the older entries of a directory. @param path in the tar */
  clear(path: BytePath): void {
    if (this.#hasBelow) this.#tree.setOpaque(this.#tree.directory(path));
    if (!this.#written) return;
    const directory = this.#tree.existing(path);
    if (directory === undefined) return;
    for (const name of readdirSync(fsPath(`${directory}/.`), "latin1")) {
      const child = path === "" ? name : `${path}/${name}`;
      if (!this.#written.has(child)) this.#tree.remove(`${directory}/${name}`);
      else if (lstatOrNone(`${directory}/${name}`)?.isDirectory()) this.clear(child);
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
