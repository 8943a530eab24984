import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Filters, Volume } from "@gantry/ipc/contracts/engine-types";
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

/** Removes volumes that nobody uses: anonymous ones, or all. */
export async function pruneVolumes(volumes: Volumes, all: boolean, filters: Filters) {
  checkFilters(filters, ["all", "label", "label!"]);
  const every = all || booleanFilter(filters, "all") === true;
  const VolumesDeleted: string[] = [];
  let SpaceReclaimed = 0;
  for (const { Name, Labels, Mountpoint } of volumes.list()) {
    if (!every && !volumes.isAnonymous(Name)) continue;
    if (volumes.usersOf(Name).length > 0 || !matchesLabels(Labels, filters["label"] ?? [])) continue;
    const unwanted = filters["label!"] ?? [];
    if (unwanted.some((wish) => matchesLabels(Labels, [wish]))) continue;
    const size = await bytesBelow(Mountpoint);
    await volumes.remove(Name, true);
    VolumesDeleted.push(Name);
    SpaceReclaimed += size;
  }
  return { VolumesDeleted, SpaceReclaimed };
}

async function bytesBelow(directory: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) sum += await bytesBelow(path);
    else if (entry.isFile()) sum += (await lstat(path).catch(() => undefined))?.size ?? 0;
  }
  return sum;
}
