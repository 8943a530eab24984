import { readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { isSystemError, parseMountinfo } from "@gantry/native-sys";
import { failedPrecondition } from "./errors.ts";

/**
 * Removes the cgroup of a namespace, the parent of its containers' cgroups, from every hierarchy.
 * @throws RpcError FailedPrecondition naming a cgroup that is not empty
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
