import { rm } from "node:fs/promises";
import type { BackgroundTasks } from "@gantry/common/background-tasks";
import { messageOf } from "@gantry/common/error-message";
import { conflict } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import type { ContainerRecords } from "../../supervisor/container-records.ts";
import type { RootFilesystems } from "../../supervisor/root-filesystems.ts";
import { retryUnavailable } from "../../supervisor/tasks.ts";
import type { Volumes } from "../../volumes/volumes.ts";
import type { Container } from "../container.ts";
import { containerEvent } from "../events.ts";
import type { Run } from "./lifecycle.ts";
import { cancelRestart } from "./restart-policy.ts";
import { killAndWait, type StopDeps } from "./stop.ts";
import { admit } from "./table.ts";

export interface RemoveDeps extends StopDeps {
  readonly records: ContainerRecords;
  readonly rootfs: RootFilesystems;
  readonly volumes: Volumes;
  readonly paths: Paths;
  readonly background: BackgroundTasks;
}

export interface RemoveOptions {
  readonly force: boolean;
  /** Also its anonymous volumes. */
  readonly volumes: boolean;
}

/**
 * Removes a container and all that belongs to it. It waits for a start, stop or restart that is under way; one that is
 * requested later is refused.
 * @throws RpcError FailedPrecondition with Docker's message for a running container, without force
 */
export async function removeContainer(deps: RemoveDeps, container: Container, options: RemoveOptions): Promise<void> {
  const { lifecycle } = container;
  const request = await lifecycle.exclusive(async () => {
    if (lifecycle.autoRemoval) return { underWay: lifecycle.autoRemoval };
    admit(options.force ? "forceRemove" : "remove", container);
    return { run: beginRemoval(deps, container, options.volumes) };
  });
  if ("underWay" in request) {
    await request.underWay;
    // A removal after an exit that failed is tried again, for its error.
    if (!lifecycle.isRemoved) await removeContainer(deps, container, options);
    return;
  }
  await finishRemoval(deps, container, request.run);
}

/** Removes a container after its last run, in the background. The decision is in its document. */
export function removeAfterExit(deps: RemoveDeps, container: Container): void {
  const removal = finishRemoval(deps, container, undefined).catch((error: unknown) => {
    deps.log.error({ id: container.id, error: messageOf(error) }, "removing a container after its exit");
  });
  container.lifecycle.startAutoRemoval(removal);
}

/** The same after a start that failed. The caller holds the container's lock. */
export function removeUnstarted(deps: RemoveDeps, container: Container): void {
  deps.registry.update(container, { removal: { volumes: true } });
  removeAfterExit(deps, container);
}

/** Finishes a removal that an earlier engine began. */
export function resumeRemoval(deps: RemoveDeps, container: Container): Promise<void> {
  return finishRemoval(deps, container, container.alive ? container.lifecycle.run : undefined);
}

/** @returns the run that has to end first */
function beginRemoval(deps: RemoveDeps, container: Container, volumes: boolean): Run | undefined {
  const { document, lifecycle } = container;
  if (document.state.Restarting) cancelRestart(deps.registry, container);
  deps.registry.update(container, { removal: { volumes } });
  return container.alive ? lifecycle.run : undefined;
}

async function finishRemoval(deps: RemoveDeps, container: Container, run: Run | undefined): Promise<void> {
  const { document, lifecycle } = container;
  try {
    if (run) await killAndWait(deps, container, run);
    await lifecycle.exclusive(() => clearAway(deps, container, document.removal?.volumes ?? false));
  } catch (error) {
    deps.registry.revert(container, { removal: undefined });
    throw error;
  }
}

async function clearAway(deps: RemoveDeps, container: Container, volumes: boolean): Promise<void> {
  const { id, document, lifecycle } = container;
  const cleared = deleteResources(deps, container);
  // A container that removes itself is gone for every caller now; leftovers are found and removed by a later engine.
  if (document.hostConfig.AutoRemove) deps.background.add("removing the files of a container", () => cleared);
  else await cleared;
  deps.registry.remove(container);
  containerEvent(deps, container, "destroy");
  lifecycle.announceRemoval(container.lastExit);
  container.pendingAttachments.failAll(conflict(`container ${id} was removed`));
  if (volumes)
    await removeAnonymousVolumes(
      deps,
      document.mounts.map((mount) => mount.Name ?? ""),
    );
}

async function deleteResources(deps: RemoveDeps, container: Container): Promise<void> {
  const { id } = container;
  await container.lifecycle.taskDeletion;
  await retryUnavailable(() => deps.records.delete(id));
  await retryUnavailable(() => deps.rootfs.remove(id));
  await rm(deps.paths.containerDirectory(id), { recursive: true, force: true });
}

async function removeAnonymousVolumes(deps: RemoveDeps, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (name === "" || !deps.volumes.isAnonymous(name)) continue;
    await deps.volumes.remove(name, true).catch((error: unknown) => {
      deps.log.warn({ volume: name, error: messageOf(error) }, "removing an anonymous volume");
    });
  }
}
