import type { LayerTarget } from "../layers/apply-layer.ts";
import type { SnapshotKind, SnapshotterName } from "../metadata/snapshots.ts";

/** mount(8)-like; the contract's mountSpec. */
export interface MountSpec {
  type: string;
  source: string;
  options: string[];
}

/** A snapshot as its driver sees it: a number that names its directory, and its ancestors, the nearest first. */
export interface SnapshotPlace {
  readonly id: number;
  readonly kind: SnapshotKind;
  readonly parents: readonly number[];
}

/** How the files of snapshots are kept. A driver holds no state: what there is, the metadata says. */
export interface SnapshotDriver {
  readonly name: SnapshotterName;
  /** True where a snapshot holds only what it adds, so that a chain's bytes are the sum of its snapshots'. */
  readonly isStacked: boolean;
  /** Fills the empty directory of a new snapshot. @param signal ends a long copy */
  make(place: SnapshotPlace, signal?: AbortSignal): Promise<void>;
  /** What to mount to see an active snapshot or a view. */
  mounts(place: SnapshotPlace): MountSpec[];
  /** Where to unpack a layer onto an active snapshot. */
  layerTarget(place: SnapshotPlace): LayerTarget;
}

/** Where a snapshot's own files are. */
export function filesOf(root: string, id: number): string {
  return `${root}/${id}/fs`;
}

/** overlayfs' directory for what it has in hand. */
export function workOf(root: string, id: number): string {
  return `${root}/${id}/work`;
}

export function bindMount(source: string, access: "ro" | "rw"): MountSpec {
  return { type: "bind", source, options: ["rbind", access] };
}
