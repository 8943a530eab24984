import { accessSync, constants, existsSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import type { Resources, Spec } from "@gantry/oci-spec/runtime";
import type { Host } from "../host.ts";
import { cgroupPaths } from "./paths.ts";
import type { CgroupManager, CgroupPaths } from "./types.ts";
import { mountpoint } from "./v2-tree.ts";

/**
 * Where a new container's cgroups will be. A user without root who may make none at the root has them beside the own one
 * where that part of version 2's tree was given to the user (systemd's Delegate=), and elsewhere none at all; unless the
 * configuration names one: then creating it reports the error.
 */
export function containerCgroups(
  host: Pick<Host, "facts" | "rootless">,
  spec: Spec,
  id: string,
): Record<string, string> {
  const requested = spec.linux?.cgroupsPath;
  const paths = cgroupPaths(host.facts, requested, id);
  if (!host.rootless || requested || Object.values(paths).every(canMake)) return paths;
  const beside = join(mountpoint, dirname(host.facts.ownCgroup), id);
  return host.facts.cgroup.mode === "v2" && canMake(beside) ? { unified: beside } : {};
}

function canMake(path: string): boolean {
  let parent = dirname(path);
  while (!existsSync(parent)) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A container without cgroups, as a user without root may have it: limits and all that needs them are refused. */
export const noCgroups: CgroupManager = {
  joinFiles: () => [],
  cloneInto: () => undefined,
  create: () => undefined,
  apply: async (resources: Resources) => {
    const { devices: _, ...limits } = resources;
    const named = Object.entries(limits).filter(([, value]) => Object.keys(value).length > 0);
    if (named.length > 0) refuse(named.map(([name]) => `linux.resources.${name}`).join(", "));
  },
  pids: () => [],
  killAll: () => false,
  freeze: async () => refuse("pausing and resuming"),
  isFrozen: () => false,
  remove: async () => undefined,
  stats: async () => refuse("events"),
};

function refuse(what: string): never {
  throw new Error(`${what}: needs cgroups, and this user may not make any: this container has none`);
}

/** True for containerCgroups' result for a container without cgroups. */
export function hasNone(paths: CgroupPaths): boolean {
  return Object.keys(paths).length === 0;
}
