import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "@gantry/common/error-message";
import { isRpcError } from "@gantry/ipc";
import { conflict } from "../base/errors.ts";
import type { Container } from "./container.ts";
import { statusOf } from "./document.ts";
import { containerEvent } from "./events.ts";
import { cancelRestart } from "./restart.ts";
import { killAndWait } from "./stop.ts";
import type { World } from "./world.ts";

/** How often and how far apart the supervisor is asked to clear away what it has of a container. */
const CLEARING_ATTEMPTS = 20;
const CLEARING_PAUSE_MS = 250;

export interface RemoveOptions {
  readonly force: boolean;
  /** Also its anonymous volumes. */
  readonly volumes: boolean;
}

/**
 * Removes a container and all that belongs to it.
 * @throws RpcError FailedPrecondition in Docker's words for one that runs, without force
 */
export async function removeContainer(world: World, container: Container, options: RemoveOptions): Promise<void> {
  if (container.removing) {
    if (container.autoRemoval) return container.autoRemoval;
    throw conflict(`removal of container ${container.id} is already in progress`);
  }
  const status = statusOf(container.document);
  if (!options.force && container.document.state.Running) {
    const advice = status === "paused" ? "unpause and then stop the container" : "stop the container";
    throw conflict(
      `cannot remove container "/${container.document.name}": container is ${status}: ${advice} before removing or force remove`,
    );
  }
  container.removing = true;
  try {
    if (container.document.state.Restarting) cancelRestart(world, container);
    if (container.alive) await killAndWait(world, container);
    await container.lock.run(() => clearAway(world, container, options.volumes));
  } catch (error) {
    container.removing = false;
    throw error;
  }
}

async function clearAway(world: World, container: Container, volumes: boolean): Promise<void> {
  const { id, document, report } = container;
  const cleared = clearTraces(world, container);
  // From here on it is gone for everyone; what is left of it, a next engine would find and remove.
  if (document.hostConfig.AutoRemove) world.background.add("clearing away a container", () => cleared);
  else await cleared;
  world.registry.remove(container);
  containerEvent(world, container, "destroy");
  container.removed.fire(report);
  for (const attachment of container.waiting) attachment.fail(conflict(`container ${id} was removed`));
  if (volumes)
    await removeVolumes(
      world,
      document.mounts.map((mount) => mount.Name ?? ""),
    );
}

async function clearTraces(world: World, container: Container): Promise<void> {
  await container.taskGone;
  for (let attempt = 1; ; attempt++) {
    try {
      await supervisorsPart(world, container.id);
      break;
    } catch (error) {
      // A supervisor that is lost is started again.
      if (!isRpcError(error, "Unavailable") || attempt === CLEARING_ATTEMPTS) throw error;
      await delay(CLEARING_PAUSE_MS);
    }
  }
  await rm(world.paths.containerDirectory(container.id), { recursive: true, force: true });
}

/** What the supervisor keeps of it. A part that is not there is fine: it was never made, or is gone already. */
async function supervisorsPart(world: World, id: string): Promise<void> {
  for (const step of [() => forget(world, id), () => world.supervisor.call("snapshots.remove", { key: id })]) {
    await step().catch((error: unknown) => {
      if (!isRpcError(error, "NotFound")) throw error;
    });
  }
}

/** Its task is gone by now, unless the end of its process found no room on the disk to be written down. */
async function forget(world: World, id: string): Promise<void> {
  try {
    await world.supervisor.call("containers.delete", { id });
  } catch (error) {
    if (!isRpcError(error, "FailedPrecondition")) throw error;
    await world.supervisor.call("tasks.delete", { containerId: id });
    await world.supervisor.call("containers.delete", { id });
  }
}

async function removeVolumes(world: World, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (name === "" || !world.volumes.isAnonymous(name)) continue;
    await world.volumes.remove(name, true).catch((error: unknown) => {
      world.log.warn({ volume: name, error: messageOf(error) }, "removing an anonymous volume");
    });
  }
}
