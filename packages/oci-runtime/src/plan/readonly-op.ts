import { MOUNT_ATTR_RDONLY } from "@gantry/native-sys";
import type { Op } from "./op.ts";

/** Makes the mount at a path read-only. */
export function readonlyOp(path: string, why: string): Op {
  return { op: "attributes", why, path, set: MOUNT_ATTR_RDONLY, clear: 0, recursive: 0 };
}
