import { messageOf } from "@gantry/common/error-message";
import type { Log } from "../../base/log.ts";
import { disconnectContainer } from "../../networks/connect.ts";
import type { Networks } from "../../networks/networks.ts";
import type { ContainerRecords } from "../../supervisor/container-records.ts";
import type { Task, Tasks } from "../../supervisor/tasks.ts";
import type { Container } from "../container.ts";
import type { Exits, ProcessExit } from "../lifecycle/exits.ts";
import type { Registry } from "../registry.ts";

export interface ReconcileDeps {
  readonly registry: Registry;
  readonly tasks: Tasks;
  readonly records: ContainerRecords;
  readonly networks: Networks;
  readonly exits: Exits;
  readonly log: Log;
}

/** Exit code of a run whose end was not recorded. */
const UNKNOWN_EXIT = 255;

/**
 * Brings the recorded states in line with the supervisor's tasks: missed exits are handled, a task without a running
 * container is ended. Each container under its lock, so that operations under way are left alone.
 * @throws Error for the containers that failed, after all were tried
 */
export async function reconcile(deps: ReconcileDeps): Promise<void> {
  const tasks = await deps.tasks.list();
  const byContainer = new Map(tasks.map((task) => [task.containerId, task]));
  const results = await Promise.allSettled(
    deps.registry.all().map((container) => reconcileOne(deps, container, byContainer.get(container.id))),
  );
  const failures = results.flatMap((result) => (result.status === "rejected" ? [messageOf(result.reason)] : []));
  if (failures.length > 0) throw new Error([...new Set(failures)].join("; "));
}

async function reconcileOne(deps: ReconcileDeps, container: Container, listed: Task | undefined): Promise<void> {
  if (!listed && !container.alive && !isPlaced(container)) return;
  const missed = await container.lifecycle.exclusive(() => compare(deps, container));
  if (missed) await deps.exits.report(container, missed);
}

/** @returns an exit that was missed */
async function compare(deps: ReconcileDeps, container: Container): Promise<ProcessExit | undefined> {
  const { id, alive, document } = container;
  const task = await deps.tasks.get(id);
  if (task) deps.records.noteExisting(id);
  if (alive && task && (task.status === "running" || task.status === "paused")) {
    Object.assign(document.state, { Pid: task.pid, Paused: task.status === "paused" });
    return undefined;
  }
  if (alive) return { exitStatus: task?.exitStatus ?? UNKNOWN_EXIT, exitedAt: task?.exitedAt, reason: task?.reason };
  if (task) await deps.tasks.discard(id);
  if (isPlaced(container)) {
    await disconnectContainer(deps.networks, document).catch((error: unknown) => {
      deps.log.warn({ id, error: messageOf(error) }, "disconnecting from networks");
    });
    deps.registry.save(container);
  }
  return undefined;
}

/** An engine was killed between recording an exit and releasing the network. */
function isPlaced({ document }: Container): boolean {
  return Object.values(document.endpoints).some(({ endpointId }) => endpointId !== "");
}
