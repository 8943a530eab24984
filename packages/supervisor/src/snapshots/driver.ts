import type { LayerTarget } from "../layers/apply-layer.ts";
import type { SnapshotKind, SnapshotterName } from "../metadata/snapshots.ts";

/** The arguments of a mount(8); `mountSpec` of the contract. */
export interface MountSpec {
  type: string;
  source: string;
  options: string[];
}

/** A snapshot as its driver sees it: the number that names its directory, and its ancestors, nearest first. */
export interface SnapshotPlace {
  readonly id: number;
  readonly kind: SnapshotKind;
  readonly parents: readonly number[];
}

/** Storage of snapshots' files. A driver has no state of its own; the metadata lists the snapshots. */
export interface SnapshotDriver {
  readonly name: SnapshotterName;
  /** True where a snapshot holds only its own changes, so that the size of a chain is the sum of its snapshots. */
  readonly isStacked: boolean;
  /** Fills the empty directory of a new snapshot. @param signal ends a long copy */
  make(place: SnapshotPlace, signal?: AbortSignal): Promise<void>;
  /** The mounts that show an active snapshot or a view. */
  mounts(place: SnapshotPlace): MountSpec[];
  /** The directories for unpacking a layer onto an active snapshot. */
  layerTarget(place: SnapshotPlace): LayerTarget;
}

/** The directory of a snapshot's own files. */
export function filesOf(root: string, id: number): string {
  return `${root}/${id}/fs`;
}

/** The work directory of overlayfs. */
export function workOf(root: string, id: number): string {
  return `${root}/${id}/work`;
}

export function bindMount(source: string, access: "ro" | "rw"): MountSpec {
  return { type: "bind", source, options: ["rbind", access] };
}
