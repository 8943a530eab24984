import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import type { Facts } from "../facts.ts";
import { PlanError } from "../plan/op.ts";
import { pidsBelow, readTable, readText } from "./files.ts";
import type { CgroupPaths } from "./types.ts";

/**
 * Where a container's cgroups are: `linux.cgroupsPath` (with or without a slash in front), else its id,
 * below the root of each hierarchy.
 * @throws PlanError for the root itself, whose processes are not the container's to end
 */
export function cgroupPaths(facts: Facts, requested: string | undefined, id: string): Record<string, string> {
  const name = requested || id;
  const path = normalize(`/${name}/`).replace(/\/$/, "") || "/";
  if (path === "/")
    throw new PlanError(`linux.cgroupsPath must name a cgroup below the root, not ${JSON.stringify(name)}`);
  const paths: Record<string, string> = {};
  for (const hierarchy of facts.cgroup.hierarchies) paths[hierarchy.name] = join(hierarchy.mountpoint, path);
  return paths;
}

/**
 * Refuses a cgroup that others use: deleting the container would end them; and one in which the container's first
 * process would be frozen at once.
 * @throws PlanError
 */
export function checkUsable({ cgroup: { hierarchies } }: Facts, paths: CgroupPaths): void {
  for (const path of Object.values(paths))
    if (existsSync(path) && pidsBelow(path).length > 0)
      throw new PlanError(`linux.cgroupsPath: ${path} is in use by other processes; name one that is not`);
  for (const { name, version, controllers } of hierarchies) {
    const path = paths[name];
    const frozen = path && (version === 2 || controllers.includes("freezer")) && frozenAt(path);
    if (frozen)
      throw new PlanError(`linux.cgroupsPath: ${path} is frozen${frozen === path ? "" : ` by ${frozen}`}; thaw it`);
  }
}

/** The frozen cgroup at a path or, where that does not exist yet, the nearest one above it: a new one is like that. */
function frozenAt(path: string): string | undefined {
  let present = path;
  while (!existsSync(present) && present !== "/") present = dirname(present);
  const first = readText(join(present, "freezer.state"));
  const second = readTable(join(present, "cgroup.events"))["frozen"];
  const frozen = first.startsWith("FR") || second === 1 || readText(join(present, "cgroup.freeze")) === "1";
  return frozen ? present : undefined;
}
