import { readdirSync } from "node:fs";
import { S_IFCHR } from "@gantry/native-sys";
import { type BytePath, fsPath } from "./byte-path.ts";
import type { LayerTree } from "./layer-tree.ts";
import { lstatOrNone } from "./lower-view.ts";

/** What becomes of a layer's whiteouts (image-spec layer.md, "Whiteouts"): they concern the layers below alone. */
export interface Whiteouts {
  /** An entry of this layer was made, at a path in the tar. */
  wrote(path: BytePath): void;
  /** Hides a name; what this layer itself has under it stays. @param path in the tar */
  hide(path: BytePath): void;
  /** Hides all that a directory has from below. @param path in the tar */
  clear(path: BytePath): void;
}

/** In overlayfs' form: character devices 0/0, and the attribute trusted.overlay.opaque. */
export class OverlayWhiteouts implements Whiteouts {
  readonly #tree: LayerTree;

  constructor(tree: LayerTree) {
    this.#tree = tree;
  }

  wrote(): void {}

  hide(path: BytePath): void {
    if (this.#tree.lower.isEmpty) return;
    const place = placeOf(this.#tree, path);
    const stats = lstatOrNone(place);
    if (stats?.isDirectory()) this.#tree.setOpaque(place);
    else if (!stats) this.#tree.native.mknod(fsPath(place), S_IFCHR, 0, 0);
  }

  clear(path: BytePath): void {
    this.#tree.setOpaque(this.#tree.directory(path));
  }
}

/** Where the layers below are in the same directory: what is hidden goes. */
export class RemovingWhiteouts implements Whiteouts {
  readonly #tree: LayerTree;
  /** What this layer has, with the directories on the way. */
  readonly #written = new Set<BytePath>();

  constructor(tree: LayerTree) {
    this.#tree = tree;
  }

  wrote(path: BytePath): void {
    for (let at = path; at !== "" && !this.#written.has(at); at = parentOf(at)) this.#written.add(at);
  }

  hide(path: BytePath): void {
    if (this.#tree.existing(parentOf(path)) === undefined) return;
    if (!this.#written.has(path)) this.#tree.remove(placeOf(this.#tree, path));
    else if (this.#isOwnDirectory(path)) this.clear(path);
  }

  clear(path: BytePath): void {
    const directory = this.#tree.existing(path);
    if (directory === undefined) return;
    for (const name of readdirSync(fsPath(`${directory}/.`), "latin1")) {
      this.hide(path === "" ? name : `${path}/${name}`);
    }
  }

  #isOwnDirectory(path: BytePath): boolean {
    return lstatOrNone(placeOf(this.#tree, path))?.isDirectory() === true;
  }
}

function placeOf(tree: LayerTree, path: BytePath): BytePath {
  return `${tree.directory(parentOf(path))}/${path.slice(path.lastIndexOf("/") + 1)}`;
}

/** Of a path in a tar; empty for the root. */
export function parentOf(path: BytePath): BytePath {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}
