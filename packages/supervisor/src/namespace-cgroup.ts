import { readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { isSystemError, parseMountinfo } from "@gantry/native-sys";
import { failedPrecondition } from "./errors.ts";

/**
 * Removes the cgroup of a namespace, below which its containers' own are, from every hierarchy. Only an empty one goes.
 * @throws RpcError FailedPrecondition naming the one in which something still is
 */
export function removeNamespaceCgroup(namespace: string): void {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const hierarchies = mounts.filter(({ type }) => type === "cgroup" || type === "cgroup2");
  for (const directory of new Set(hierarchies.map(({ mountPoint }) => join(mountPoint, namespace)))) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if (isSystemError(error, "ENOENT")) continue;
      if (isSystemError(error, "EBUSY", "ENOTEMPTY")) throw failedPrecondition(`cgroup ${directory} is in use`);
      throw error;
    }
  }
}
