import type { Facts } from "../facts.ts";
import { hasNone, noCgroups } from "./none.ts";
import type { CgroupManager, CgroupPaths } from "./types.ts";
import { VersionOne } from "./v1.ts";
import { VersionTwo } from "./v2.ts";

/** @param paths as cgroupPaths made them and the state keeps them */
export function cgroupManager(facts: Facts, paths: CgroupPaths): CgroupManager {
  if (hasNone(paths)) return noCgroups;
  return facts.cgroup.mode === "v2" ? new VersionTwo(paths["unified"] ?? "") : new VersionOne(facts, paths);
}
