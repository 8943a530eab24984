import { mkdirSync } from "node:fs";
import type { NativeSys } from "@gantry/native-sys";
import { copyTree } from "@gantry/tree-copy/copy-tree";
import type { LayerTarget } from "../layers/apply-layer.ts";
import { bindMount, filesOf, type MountSpec, type SnapshotDriver, type SnapshotPlace } from "./driver.ts";

/**
 * Snapshots for file systems that overlayfs cannot use: each directory is a whole root file system, copied from its
 * parent at its creation. Where the file system shares extents (btrfs, xfs) only the directories cost anything.
 */
export class NativeDriver implements SnapshotDriver {
  readonly name = "native";
  readonly isStacked = false;
  readonly #native: NativeSys;
  readonly #root: string;

  constructor(native: NativeSys, root: string) {
    this.#native = native;
    this.#root = root;
  }

  async make({ id, kind, parents }: SnapshotPlace, signal?: AbortSignal): Promise<void> {
    const files = filesOf(this.#root, id);
    const [parent] = parents;
    mkdirSync(files, { mode: 0o755 });
    // A view shows its parent, which never changes.
    if (parent === undefined || kind !== "active") return;
    await copyTree(this.#native, filesOf(this.#root, parent), files, signal ? { signal } : {});
  }

  mounts({ id, kind, parents }: SnapshotPlace): MountSpec[] {
    if (kind !== "view") return [bindMount(filesOf(this.#root, id), "rw")];
    return [bindMount(filesOf(this.#root, parents[0] ?? id), "ro")];
  }

  layerTarget({ id }: SnapshotPlace): LayerTarget {
    return { directory: filesOf(this.#root, id), lowers: [], whiteouts: "remove" };
  }
}
