import type { Clock } from "@gantry/common/clock";
import { messageOf } from "@gantry/common/error-message";
import { isRpcError } from "@gantry/ipc";
import type { Log } from "../../base/log.ts";
import { disconnectContainer } from "../../networks/connect.ts";
import type { Networks } from "../../networks/networks.ts";
import type { Tasks } from "../../supervisor/tasks.ts";
import type { EventHub } from "../../system/event-hub.ts";
import type { Container } from "../container.ts";
import { containerEvent, volumeEvents } from "../events.ts";
import { type FileDeps, updateNeighbours } from "../files.ts";
import type { SharedMemory } from "../launch/shared-memory.ts";
import type { Registry } from "../registry.ts";
import { type AfterExit, decideAfterExit } from "./decide.ts";
import type { Run } from "./lifecycle.ts";

/** The end of a container's first process, as the supervisor, its events or an attached stream report it. */
export interface ProcessExit {
  readonly exitStatus: number;
  readonly exitedAt?: string | undefined;
  /** Why it ended, where the exit status does not say. */
  readonly reason?: string | undefined;
  /** The first process, which distinguishes this run from the next; undefined: that of the current run. */
  readonly pid?: number | undefined;
  /** The run that ended; undefined: the current one. */
  readonly run?: Run | undefined;
}

/** Called under the container's lock once the state after an exit is saved; must not wait for the lock. */
export type ExitListener = (container: Container, decision: AfterExit) => void;

export interface ExitDeps extends FileDeps {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly tasks: Tasks;
  readonly networks: Networks;
  readonly sharedMemory: SharedMemory;
  readonly events: EventHub;
  readonly log: Log;
}

/** Exits: recorded, announced once, and followed by removal or restart as the container's policies say. */
export class Exits {
  readonly #deps: ExitDeps;
  readonly #listeners: ExitListener[] = [];

  constructor(deps: ExitDeps) {
    this.#deps = deps;
  }

  subscribe(listener: ExitListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Reports the end of a process. Several sources may report the same end; the first one counts.
   * @returns once the resources of the run are released
   */
  report(container: Container, exit: ProcessExit): Promise<void> {
    return container.lifecycle.exclusive(async () => {
      if (isCurrent(container, exit)) await this.#endRun(container, exit);
    });
  }

  /** The same for a caller that does not wait. */
  reportInBackground(container: Container, exit: ProcessExit): void {
    this.report(container, exit).catch((error: unknown) => {
      this.#deps.log.error({ id: container.id, error: messageOf(error) }, "handling the exit of a container");
    });
  }

  async #endRun(container: Container, exit: ProcessExit): Promise<void> {
    const { document, lifecycle } = container;
    const { outOfMemory } = lifecycle.run;
    const decision = recordExit(container, exit, this.#deps.clock);
    // Saved before it is announced: a later engine does not find the task again that is deleted below.
    this.#save(container);
    lifecycle.endRun(container.lastExit);
    if (outOfMemory) containerEvent(this.#deps, container, "oom");
    containerEvent(this.#deps, container, "die", { exitCode: String(document.state.ExitCode) });
    await this.#releaseResources(container, decision);
    this.#save(container);
    for (const listener of this.#listeners) listener(container, decision);
  }

  /**
   * An exit that cannot be stored, as on a full disk, is announced all the same, and stored with the next change. A
   * later engine that does not find it stored finds no task, and takes the run for ended.
   */
  #save(container: Container): void {
    try {
      this.#deps.registry.save(container);
    } catch (error) {
      this.#deps.log.warn({ id: container.id, error: messageOf(error) }, "storing the exit of a container");
    }
  }

  /** Releases the resources of a run: the supervisor's task, the network and shared memory. */
  async #releaseResources(container: Container, decision: AfterExit): Promise<void> {
    const { id, document, lifecycle } = container;
    const warn = (action: string) => (error: unknown) => {
      if (!isRpcError(error, "NotFound")) this.#deps.log.warn({ id, error: messageOf(error) }, action);
    };
    lifecycle.taskDeletion = this.#deps.tasks.delete({ containerId: id }).catch(warn("deleting an ended task"));
    await disconnectContainer(this.#deps.networks, document).catch(warn("disconnecting from networks"));
    attempt(() => this.#deps.sharedMemory.remove(id), warn("unmounting its /dev/shm"));
    volumeEvents(this.#deps, container, "unmount");
    // A container that is removed will not be started again; its removal waits for the task.
    if (decision.kind !== "remove") await lifecycle.taskDeletion;
    await updateNeighbours(this.#deps, document);
  }
}

function attempt(step: () => void, report: (error: unknown) => void): void {
  try {
    step();
  } catch (error) {
    report(error);
  }
}

function isCurrent({ alive, document, lifecycle }: Container, exit: ProcessExit): boolean {
  return (
    alive && (exit.pid ?? document.state.Pid) === document.state.Pid && (exit.run ?? lifecycle.run) === lifecycle.run
  );
}

/** Puts an exit into the container's document, with the decision on what follows. */
function recordExit(container: Container, exit: ProcessExit, clock: Clock): AfterExit {
  const { document, lifecycle } = container;
  const { state } = document;
  Object.assign(state, {
    Running: false,
    Paused: false,
    Pid: 0,
    ExitCode: exit.exitStatus,
    OOMKilled: lifecycle.run.outOfMemory,
    FinishedAt: exit.exitedAt ?? clock.now(),
    Error: exit.reason ?? "",
  });
  const ranMs = Date.parse(state.FinishedAt) - Date.parse(state.StartedAt);
  const decision = decideAfterExit(document, { exitCode: exit.exitStatus, ranMs });
  applyDecision(container, decision);
  return decision;
}

/** Puts a decision into the document, so that a later engine finds it. */
export function applyDecision({ document }: Container, decision: AfterExit): void {
  if (decision.kind === "remove") document.removal = { volumes: true };
  if (decision.kind !== "restart") return;
  document.restartDelayMs = decision.delayMs;
  Object.assign(document.state, { Running: true, Restarting: true });
}
