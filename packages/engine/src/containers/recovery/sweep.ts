import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@gantry/common/error-message";
import { isId } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { Paths } from "../../base/paths.ts";
import { sandboxKey } from "../../networks/connect.ts";
import type { Networks } from "../../networks/networks.ts";
import type { ContainerRecords } from "../../supervisor/container-records.ts";
import type { RootFilesystems } from "../../supervisor/root-filesystems.ts";
import type { Tasks } from "../../supervisor/tasks.ts";
import type { SharedMemory } from "../launch/shared-memory.ts";
import type { Registry } from "../registry.ts";

export interface SweepDeps {
  readonly registry: Registry;
  readonly tasks: Tasks;
  readonly records: ContainerRecords;
  readonly rootfs: RootFilesystems;
  readonly networks: Networks;
  readonly sharedMemory: SharedMemory;
  readonly paths: Paths;
  readonly log: Log;
}

/**
 * Removes tasks, records and snapshots at the supervisor whose container is neither here nor being created. Those whose
 * names are no ids of this engine were created with other tools in its namespace, and are kept.
 */
export async function removeStrangers(deps: SweepDeps): Promise<void> {
  const { registry, tasks, records, rootfs } = deps;
  for (const { containerId } of await tasks.list()) {
    if (isId(containerId) && !registry.knows(containerId)) await attempt(deps, () => tasks.discard(containerId));
  }
  for (const id of await records.list()) {
    if (registry.get(id)) records.noteExisting(id);
    else if (isId(id) && !registry.knows(id)) await attempt(deps, () => records.delete(id));
  }
  for (const { key, owner } of await rootfs.list()) {
    if (!registry.knows(owner)) await attempt(deps, () => rootfs.remove(key));
  }
}

/** Removes directories, network namespaces, addresses and shared memory whose container is gone or does not run. */
export async function removeLeftovers({ registry, networks, sharedMemory, paths }: SweepDeps): Promise<void> {
  for (const id of await readdir(join(paths.root, "containers")).catch(() => [])) {
    if (!registry.knows(id)) await rm(paths.containerDirectory(id), { recursive: true, force: true });
  }
  const alive = registry.all().filter((container) => container.alive);
  const kept = [...alive.map(({ id }) => id), ...registry.unreadable];
  const sandboxes = new Set(kept.map((id) => sandboxKey({ id })));
  for (const key of networks.sandboxes.keys()) if (!sandboxes.has(key)) networks.sandboxes.remove(key);
  const ids = new Set(kept);
  for (const id of sharedMemory.ids()) if (!ids.has(id)) sharedMemory.remove(id);
  for (const { network, address, container } of networks.addresses.entries()) {
    if (!ids.has(container)) networks.addresses.release(network, address);
  }
}

async function attempt({ log }: SweepDeps, step: () => Promise<unknown>): Promise<void> {
  await step().catch((error: unknown) => {
    log.warn({ error: messageOf(error) }, "removing leftovers of an earlier engine");
  });
}
