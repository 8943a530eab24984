import { lstat, readdir } from "node:fs/promises";
import { isRpcError } from "@gantry/ipc";
import type { Filters, Volume } from "@gantry/ipc/contracts/engine-types";
import { type BytePath, fsPath, toBytePath } from "@gantry/tree-copy/byte-path";
import { booleanFilter, checkFilters, matchesLabels, namePattern } from "../base/filters.ts";
import type { Volumes } from "./volumes.ts";

/** Volumes that match, by name. @throws RpcError InvalidArgument for an unknown filter */
export function listVolumes(volumes: Volumes, filters: Filters): Volume[] {
  checkFilters(filters, ["dangling", "driver", "label", "name"]);
  const dangling = booleanFilter(filters, "dangling");
  const names = (filters["name"] ?? []).map(namePattern);
  const drivers = filters["driver"] ?? [];
  return volumes
    .list()
    .filter((volume) => dangling === undefined || (volumes.usersOf(volume.Name).length === 0) === dangling)
    .filter((volume) => names.length === 0 || names.some((pattern) => pattern.test(volume.Name)))
    .filter((volume) => drivers.length === 0 || drivers.includes(volume.Driver))
    .filter((volume) => matchesLabels(volume.Labels, filters["label"] ?? []))
    .sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

/** Removes unused volumes: anonymous ones, or all. */
export async function pruneVolumes(volumes: Volumes, all: boolean, filters: Filters) {
  checkFilters(filters, ["all", "label", "label!"]);
  const every = all || booleanFilter(filters, "all") === true;
  const VolumesDeleted: string[] = [];
  let SpaceReclaimed = 0;
  for (const { Name, Labels, Mountpoint } of volumes.list()) {
    if (!every && !volumes.isAnonymous(Name)) continue;
    if (volumes.usersOf(Name).length > 0 || !matchesLabels(Labels, filters["label"] ?? [])) continue;
    if ((filters["label!"] ?? []).some((label) => matchesLabels(Labels, [label]))) continue;
    const size = await sizeBelow(Mountpoint);
    if (!(await removeUnused(volumes, Name))) continue;
    VolumesDeleted.push(Name);
    SpaceReclaimed += size;
  }
  return { VolumesDeleted, SpaceReclaimed };
}

/** False for a volume that a container has begun to use meanwhile. */
async function removeUnused(volumes: Volumes, name: string): Promise<boolean> {
  try {
    await volumes.remove(name, true);
    return true;
  } catch (error) {
    if (isRpcError(error, "FailedPrecondition")) return false;
    throw error;
  }
}

/** Bytes of all files below a directory, a file with several names counted once. */
async function sizeBelow(directory: string): Promise<number> {
  const counted = new Set<string>();
  let sum = 0;
  const pending: BytePath[] = [toBytePath(directory)];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const name of await readdir(fsPath(next), "latin1").catch(() => [])) {
      const path: BytePath = `${next}/${name}`;
      const stats = await lstat(fsPath(path)).catch(() => undefined);
      if (stats?.isDirectory()) pending.push(path);
      if (!stats?.isFile() || counted.has(`${stats.dev}:${stats.ino}`)) continue;
      counted.add(`${stats.dev}:${stats.ino}`);
      sum += stats.size;
    }
  }
  return sum;
}
