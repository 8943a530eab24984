import { mkdirSync, rmSync } from "node:fs";
import { messageOf } from "@gantry/common/error-message";
import { MNT_DETACH, mountOverlay, type NativeSys } from "@gantry/native-sys";
import { invalidArgument, undo } from "../errors.ts";
import { opaqueXattr } from "../layers/lower-view.ts";
import type { SnapshotterName } from "../metadata/snapshots.ts";
import type { SnapshotDriver } from "./driver.ts";
import { NativeDriver } from "./native-driver.ts";
import { OverlayDriver } from "./overlay-driver.ts";

/** The drivers that work for a root directory, and the default one. */
export interface Snapshotters {
  readonly default: SnapshotterName;
  /** Why this one is the default. */
  readonly reason: string;
  /** Why a driver cannot be used, by name. */
  readonly errors: ReadonlyMap<SnapshotterName, string>;
  /** @throws RpcError InvalidArgument for a driver that does not work here */
  driver(name: SnapshotterName): SnapshotDriver;
}

/**
 * Finds the drivers that work.
 * @param root existing directory of the snapshots
 * @param required the driver to use
 * @throws Error when that driver does not work here
 */
export function findSnapshotters(native: NativeSys, root: string, required?: SnapshotterName): Snapshotters {
  const drivers: readonly SnapshotDriver[] = [new OverlayDriver(root), new NativeDriver(native, root)];
  const overlayError = required === "native" ? undefined : probeOverlay(native, root);
  if (required === "overlayfs" && overlayError !== undefined)
    throw new Error(`--snapshotter overlayfs: ${overlayError}`);
  const errors = new Map<SnapshotterName, string>();
  if (overlayError !== undefined) errors.set("overlayfs", overlayError);
  return {
    default: required ?? (overlayError === undefined ? "overlayfs" : "native"),
    reason: required ? "set by --snapshotter" : (overlayError ?? "overlayfs works here"),
    errors,
    driver(name) {
      const error = errors.get(name);
      if (error !== undefined) throw invalidArgument(`the snapshotter ${name} cannot be used: ${error}`);
      return drivers.find((driver) => driver.name === name) as SnapshotDriver;
    },
  };
}

/** Mounts an overlay and tries the operations that unpacking and containers need. @returns the reason why it does not work */
function probeOverlay(native: NativeSys, root: string): string | undefined {
  const probe = `${root}/.probe`;
  const [lower, upper, work, target] = ["lower", "upper", "work", "merged"].map((name) => `${probe}/${name}`) as [
    string,
    string,
    string,
    string,
  ];
  rmSync(probe, { recursive: true, force: true });
  try {
    for (const path of [`${lower}/hidden`, upper, work, target]) mkdirSync(path, { recursive: true, mode: 0o700 });
    native.setxattr(upper, opaqueXattr, Buffer.from("y"), 0, false);
    native.removexattr(upper, opaqueXattr, false);
    mountOverlay({ lower: [lower], upper, work, target });
    try {
      // Leaves a whiteout in the upper directory, which not every file system supports.
      rmSync(`${target}/hidden`, { recursive: true });
      mkdirSync(`${target}/hidden`);
    } finally {
      native.umount(target, MNT_DETACH);
    }
    return undefined;
  } catch (error) {
    return `overlayfs does not work in ${root}: ${messageOf(error).replaceAll(`${probe}/`, "")}`;
  } finally {
    // Where this fails, as on a read-only disk, the reason above takes precedence.
    void undo(() => rmSync(probe, { recursive: true, force: true }));
  }
}
