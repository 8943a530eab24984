import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@gantry/common/error-message";
import { zeroTimestamp } from "@gantry/common/timestamp";
import type { ReplyOf } from "@gantry/ipc";
import { isRpcError } from "@gantry/ipc";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import { sandboxKey } from "../networks/connect.ts";
import { endStrayProxies } from "../networks/stray-proxies.ts";
import type { Container } from "./container.ts";
import { handleExit } from "./exit.ts";
import { removeContainer } from "./remove.ts";
import { scheduleRestart } from "./restart.ts";
import { startContainer } from "./start.ts";
import type { World } from "./world.ts";

type Task = ReplyOf<(typeof supervisorContract.methods)["tasks.list"]>["tasks"][number];

/** How often a task that is not wanted is killed, and how long each time its end is waited for. */
const KILL_ATTEMPTS = 60;
const KILL_PATIENCE_MS = 500;

/** What is said of a run whose end nobody saw. */
const UNKNOWN_EXIT = 255;

/**
 * Brings what is recorded in line with what runs: ends that were missed are worked off, a task without a running
 * container is ended. Each container under its lock, so that operations under way are left alone.
 */
export async function reconcile(world: World): Promise<void> {
  const { tasks } = await world.supervisor.call("tasks.list", {});
  const byContainer = new Map(tasks.map((task) => [task.containerId, task]));
  await Promise.all(world.registry.all().map((container) => settle(world, container, byContainer.get(container.id))));
}

async function settle(world: World, container: Container, listed: Task | undefined): Promise<void> {
  const { id } = container;
  if (!listed && !container.alive) return;
  const missed = await container.lock.run(async () => {
    const task = await currentTask(world, id);
    container.recorded ||= task !== undefined;
    const runs = task && (task.status === "running" || task.status === "paused");
    if (container.alive && runs) {
      Object.assign(container.document.state, { Pid: task.pid, Paused: task.status === "paused" });
      return undefined;
    }
    if (container.alive) {
      return { exitStatus: task?.exitStatus ?? UNKNOWN_EXIT, exitedAt: task?.exitedAt, reason: task?.reason };
    }
    if (task) await discard(world, id);
    return undefined;
  });
  if (missed) await handleExit(world, container, missed);
}

async function currentTask(world: World, containerId: string): Promise<Task | undefined> {
  try {
    return await world.supervisor.call("tasks.get", { containerId });
  } catch (error) {
    if (isRpcError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function discard(world: World, containerId: string): Promise<void> {
  const { supervisor } = world;
  // A create that its engine did not live to see may still be under way: what comes of it is killed too.
  for (let attempt = 0; attempt < KILL_ATTEMPTS; attempt++) {
    await supervisor.call("tasks.kill", { containerId, signal: 9, all: true }).catch(() => {});
    const ended = await supervisor.call("tasks.wait", { containerId }, { timeoutMs: KILL_PATIENCE_MS }).then(
      () => true,
      (error: unknown) => !isRpcError(error, "DeadlineExceeded"),
    );
    if (ended) break;
  }
  await supervisor.call("tasks.delete", { containerId }).catch((error: unknown) => {
    if (!isRpcError(error, "NotFound")) world.log.warn({ id: containerId, error: messageOf(error) }, "deleting a task");
  });
}

/** After a start of the engine: also what was half made is removed, and what its policy wants is started. */
export async function recover(world: World): Promise<void> {
  await removeStrangers(world);
  await reconcile(world);
  await removeLeftovers(world);
  await adoptPorts(world);
  for (const container of world.registry.all()) resume(world, container);
}

/** Containers and snapshots of the supervisor that no container here knows: a create was cut short. */
async function removeStrangers(world: World): Promise<void> {
  const { supervisor, registry } = world;
  const { tasks } = await supervisor.call("tasks.list", {});
  for (const { containerId } of tasks) if (!registry.knows(containerId)) await discard(world, containerId);
  const { containers } = await supervisor.call("containers.list", {});
  for (const { id } of containers) {
    const own = registry.get(id);
    if (own) own.recorded = true;
    else if (!registry.knows(id)) await quietly(world, () => supervisor.call("containers.delete", { id }));
  }
  const { snapshots } = await supervisor.call("snapshots.list", {});
  for (const { key, labels } of snapshots) {
    const owner = labels["gantry.container"];
    if (owner !== undefined && !registry.knows(owner)) {
      await quietly(world, () => supervisor.call("snapshots.remove", { key }));
    }
  }
}

/** Directories, network namespaces and addresses whose container is gone or does not run. */
async function removeLeftovers(world: World): Promise<void> {
  const { registry, networks, paths } = world;
  for (const id of await readdir(join(paths.root, "containers")).catch(() => [])) {
    if (!registry.knows(id)) await rm(paths.containerDirectory(id), { recursive: true, force: true });
  }
  const alive = registry.all().filter((container) => container.alive);
  const kept = [...alive.map(({ id }) => id), ...registry.unreadable];
  const sandboxes = new Set(kept.map((id) => sandboxKey({ id })));
  for (const key of networks.sandboxes.keys()) if (!sandboxes.has(key)) networks.sandboxes.remove(key);
  const ids = new Set(kept);
  for (const { network, address, container } of networks.addresses.entries()) {
    if (!ids.has(container)) networks.addresses.release(network, address);
  }
}

async function adoptPorts(world: World): Promise<void> {
  const { registry, networks } = world;
  for (const container of registry.all()) {
    const whom = container.alive ? networks.publicationOf(container.document) : undefined;
    if (!whom || container.document.ports.length === 0) continue;
    await quietly(world, async () => {
      container.document.ports = await networks.publisher.adopt(whom, container.document.ports);
      registry.save(container);
    });
  }
  const known = new Set(registry.all().flatMap((container) => container.document.ports.map((port) => port.proxyPid)));
  await endStrayProxies(networks, known);
}

function resume(world: World, container: Container): void {
  const { hostConfig, state, stoppedOnRequest } = container.document;
  if (container.alive) return;
  const started = state.StartedAt !== zeroTimestamp;
  const policy = hostConfig.RestartPolicy?.Name ?? "no";
  const wanted = policy === "always" || (policy === "unless-stopped" && !stoppedOnRequest);
  if (state.Restarting) scheduleRestart(world, container);
  else if (hostConfig.AutoRemove && started && !container.removing) {
    background(world, container, removeContainer(world, container, { force: true, volumes: true }));
  } else if (wanted && started && !container.removing) background(world, container, startContainer(world, container));
}

function background(world: World, container: Container, work: Promise<void>): void {
  work.catch((error: unknown) => {
    world.log.warn({ id: container.id, error: messageOf(error) }, "taking up a container again");
  });
}

async function quietly(world: World, step: () => Promise<unknown>): Promise<void> {
  await step().catch((error: unknown) => {
    if (!isRpcError(error, "NotFound"))
      world.log.warn({ error: messageOf(error) }, "clearing up after an earlier engine");
  });
}
