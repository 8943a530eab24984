import { messageOf } from "@gantry/common/error-message";
import { isRpcError } from "@gantry/ipc";
import { now } from "../base/clock.ts";
import { disconnectContainer } from "../networks/connect.ts";
import { type Container, Signalled } from "./container.ts";
import { containerEvent, volumeEvents } from "./events.ts";
import { updateNeighbours } from "./files.ts";
import { removeContainer } from "./remove.ts";
import { scheduleRestart, shouldRestart } from "./restart.ts";
import type { World } from "./world.ts";

export interface TaskExit {
  readonly exitStatus: number;
  readonly exitedAt?: string | undefined;
  /** First process, to tell this run from the next; undefined: whatever runs. */
  readonly pid?: number | undefined;
  /** Why it ended, where the exit status does not tell. */
  readonly reason?: string | undefined;
  /** The same by the count of starts. */
  readonly run?: number | undefined;
}

/**
 * The container's process has ended: those who wait are told at once, then what it used is given back, and it is
 * removed or started again where that is wanted. Several may report the same end; the first one counts.
 */
export function handleExit(world: World, container: Container, exit: TaskExit): Promise<void> {
  const worked = container.lock.run(() => workOff(world, container, exit));
  if (!container.document.hostConfig.AutoRemove || container.autoRemoval || container.removing) {
    return worked.then(() => {});
  }
  // Known from now on, so that whoever wants the container's name waits for it.
  const removal = worked.then(async (ended) => {
    if (ended && !container.removing) await removeContainer(world, container, { force: true, volumes: true });
    else container.autoRemoval = undefined;
  });
  container.autoRemoval = removal;
  removal.catch((error: unknown) => {
    container.autoRemoval = undefined;
    world.log.error({ id: container.id, error: messageOf(error) }, "removing a container after its end");
  });
  return worked.then(() => {});
}

/** @returns whether it was this run's end, and the container stays down */
async function workOff(world: World, container: Container, exit: TaskExit): Promise<boolean> {
  const { state } = container.document;
  if (!container.alive || (exit.pid ?? state.Pid) !== state.Pid || (exit.run ?? container.run) !== container.run)
    return false;
  Object.assign(state, {
    Running: false,
    Paused: false,
    Pid: 0,
    ExitCode: exit.exitStatus,
    OOMKilled: container.outOfMemory,
    FinishedAt: exit.exitedAt ?? now(),
    Error: exit.reason ?? "",
  });
  const restarts = shouldRestart(container);
  if (restarts) Object.assign(state, { Running: true, Restarting: true });
  tellExit(world, container);
  await giveBack(world, container);
  world.registry.save(container);
  if (restarts) scheduleRestart(world, container);
  return !restarts;
}

function tellExit(world: World, container: Container): void {
  const { exited, report } = container;
  container.exited = new Signalled();
  exited.fire(report);
  if (container.outOfMemory) containerEvent(world, container, "oom");
  containerEvent(world, container, "die", { exitCode: String(report.exitCode) });
}

/** Everything that a run takes: the supervisor's task, the network. */
async function giveBack(world: World, container: Container): Promise<void> {
  const { id, document } = container;
  const warn = (what: string) => (error: unknown) => {
    if (!isRpcError(error, "NotFound")) world.log.warn({ id, error: messageOf(error) }, what);
  };
  container.taskGone = deleteTask(world, id).catch(warn("deleting an ended task"));
  await disconnectContainer(world.networks, document).catch(warn("taking a network away"));
  volumeEvents(world, container, "unmount");
  // One that goes by itself will not be started again: nobody has to wait for its task's end.
  if (!document.hostConfig.AutoRemove) await container.taskGone;
  container.execIds.clear();
  await updateNeighbours(world, document);
}

/** An end can be known here a moment before the supervisor has worked it off. */
async function deleteTask(world: World, containerId: string): Promise<void> {
  try {
    await world.supervisor.call("tasks.delete", { containerId });
  } catch (error) {
    if (!isRpcError(error, "FailedPrecondition")) throw error;
    await world.supervisor.call("tasks.wait", { containerId });
    await world.supervisor.call("tasks.delete", { containerId });
  }
}
