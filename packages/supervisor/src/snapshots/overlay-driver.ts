import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import type { LayerTarget } from "../layers/apply-layer.ts";
import { bindMount, filesOf, type MountSpec, type SnapshotDriver, type SnapshotPlace, workOf } from "./driver.ts";

/**
 * Keeps each layer readable by itself: a renamed directory is copied, and a file is copied whole when its metadata
 * changes, rather than pointing into the layers below.
 */
const plainForm = ["redirect_dir=off", "metacopy=off", "index=off"];

/** Snapshots stacked by overlayfs: each directory holds the changes to its parent, in the format of overlayfs. */
export class OverlayDriver implements SnapshotDriver {
  readonly name = "overlayfs";
  readonly isStacked = true;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async make({ id, kind, parents }: SnapshotPlace): Promise<void> {
    const files = filesOf(this.#root, id);
    mkdirSync(files, { mode: 0o755 });
    if (kind === "active") mkdirSync(workOf(this.#root, id), { mode: 0o711 });
    const [parent] = parents;
    if (parent === undefined) return;
    // A container sees the topmost layer's root directory as "/".
    const stats = statSync(filesOf(this.#root, parent));
    if (stats.uid !== 0 || stats.gid !== 0) chownSync(files, stats.uid, stats.gid);
    if ((stats.mode & 0o7777) !== 0o755) chmodSync(files, stats.mode & 0o7777);
  }

  mounts({ id, kind, parents }: SnapshotPlace): MountSpec[] {
    const lowers = this.#lowers(parents);
    const own = filesOf(this.#root, id);
    if (kind === "view") {
      if (lowers.length < 2) return [bindMount(lowers[0] ?? own, "ro")];
      return [overlay([`lowerdir=${lowers.join(":")}`])];
    }
    if (lowers.length === 0) return [bindMount(own, "rw")];
    const writable = [`upperdir=${own}`, `workdir=${workOf(this.#root, id)}`];
    return [overlay([`lowerdir=${lowers.join(":")}`, ...writable, ...plainForm])];
  }

  layerTarget({ id, parents }: SnapshotPlace): LayerTarget {
    return { directory: filesOf(this.#root, id), lowers: this.#lowers(parents), whiteouts: "overlay" };
  }

  #lowers(parents: readonly number[]): string[] {
    return parents.map((parent) => filesOf(this.#root, parent));
  }
}

function overlay(options: string[]): MountSpec {
  return { type: "overlay", source: "overlay", options };
}
