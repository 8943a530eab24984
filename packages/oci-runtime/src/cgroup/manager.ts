import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import type { Resources } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import type { Host } from "../host.ts";
import { PlanError } from "../plan/op.ts";
import { pidsBelow, readTable, readText } from "./files.ts";
import { hasNone, noCgroups } from "./none.ts";
import { VersionOne } from "./v1.ts";
import { VersionTwo } from "./v2.ts";

/** The container's directory in each hierarchy, by the hierarchy's name. */
export type CgroupPaths = Readonly<Record<string, string>>;

/** What setting limits needs beside files. */
export type Means = Pick<Host, "native" | "warn" | "facts">;

/** In a user namespace nobody can make devices, and the kernel takes no rules from there. */
export function enforcesDevices({ facts }: Means): boolean {
  return facts.privileged && !facts.inUserNamespace;
}

/** One container's cgroups. Callers need not know which version they are of. */
export interface CgroupManager {
  /** Files of version 1 into which a single-threaded process writes "0" to join. */
  joinFiles(): string[];
  /**
   * The directory of version 2 that a process is cloned into: joining it later takes milliseconds.
   * @param first the container's first process, where there is one: who has divided its cgroup takes processes below only
   */
  cloneInto(first?: number): string | undefined;
  /** Makes the directories. */
  create(): void;
  /** Sets limits. @throws Error naming the limit and the file */
  apply(resources: Resources, means: Means): Promise<void>;
  pids(): number[];
  /** Ends every process at once where the kernel can do that; false where each must be sent its signal. */
  killAll(): boolean;
  /** Stops every process where it is, or lets all go on; returns once that is so. */
  freeze(frozen: boolean): Promise<void>;
  isFrozen(): boolean;
  /** Removes the directories and those that processes inside have made. */
  remove(): Promise<void>;
  /** The data of `events --stats`. */
  stats(): Promise<Record<string, unknown>>;
}

/** @param paths as cgroupPaths made them and the state keeps them */
export function cgroupManager(facts: Facts, paths: CgroupPaths): CgroupManager {
  if (hasNone(paths)) return noCgroups;
  return facts.cgroup.mode === "v2" ? new VersionTwo(paths["unified"] ?? "") : new VersionOne(facts, paths);
}

/**
 * Where a container's cgroups are: `linux.cgroupsPath` (with or without a slash in front), else its id,
 * below the root of each hierarchy.
 * @throws PlanError for the root itself, whose processes are not the container's to end
 */
export function cgroupPaths(facts: Facts, wish: string | undefined, id: string): Record<string, string> {
  const name = wish || id;
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
