import { formatTimestamp } from "@gantry/common/timestamp";
import type { KeptExit } from "@gantry/keeper";
import { SIGNALS } from "@gantry/native-sys";
import type { ContainerCgroup } from "../cgroup/container-cgroup.ts";
import type { ContainerEvents } from "../container-events.ts";
import type { ShimContext } from "../context.ts";
import type { OciRuntime } from "../runtime/runtime.ts";
import type { ContainerProcess, Exit } from "./process.ts";

/** The end of a process, as its keeper has seen it; without a time it is now. */
export type EndOf = Pick<KeptExit, "exitStatus"> & Partial<Pick<KeptExit, "time">> & Pick<Exit, "reason">;

/** Exit status of a process whose keeper died. */
export const lostStatus = 137;

/** How long killed processes may take to be gone after their keeper's death, and how often that is looked at. */
const longestEndMs = 10_000;
const endStepMs = 20;

export interface ExitsOptions {
  readonly id: string;
  readonly context: ShimContext;
  readonly runtime: OciRuntime;
  readonly cgroup: ContainerCgroup;
  readonly events: ContainerEvents;
  /** Called when the first process has ended, before that is reported. */
  readonly onInitExit: () => void;
}

/** Reports how the container's processes ended. */
export class Exits {
  readonly #options: ExitsOptions;

  constructor(options: ExitsOptions) {
    this.#options = options;
  }

  /** Reports the exit of a process once; a later call for it does nothing. */
  report(target: ContainerProcess, { exitStatus, time, reason }: EndOf): void {
    if (target.reaped) return;
    target.reaped = true;
    const { clock, errors } = this.#options.context;
    const exitedAt = time === undefined ? clock.now() : formatTimestamp(time);
    this.#finish(target, { exitStatus, exitedAt, ...(reason === undefined ? {} : { reason }) }).catch((error) =>
      errors.report(`exit of ${target.label}`, error),
    );
  }

  /**
   * The keeper was killed: nothing would report how the container's processes end, and they have no streams to go on
   * with. They are ended by the cgroup, and reported as killed.
   */
  async endAll(processes: () => readonly ContainerProcess[]): Promise<void> {
    const { runtime, context } = this.#options;
    const reason = "its keeper died";
    await runtime.kill(SIGNALS.SIGKILL, true).catch((error) => context.errors.report("keeper", error));
    // Their new parent has to reap them: until then the runtime refuses to delete the container.
    const until = performance.now() + longestEndMs;
    while (performance.now() < until && (await runtime.status().catch(() => "stopped")) !== "stopped")
      await new Promise((resolve) => setTimeout(resolve, endStepMs));
    for (const each of processes()) if (each.pid > 0) this.report(each, { exitStatus: lostStatus, reason });
  }

  /** Reports an exit, in this order: after the start and the output, the document on disk, the event, the answers. */
  async #finish(target: ContainerProcess, exit: Exit): Promise<void> {
    const { cgroup, events, context } = this.#options;
    await target.starting.catch(() => undefined);
    cgroup.checkOom();
    await target.stdio.drain();
    if (target.execId === undefined) this.#finishInit(target, exit);
    target.end(exit);
    events.publish("exit", target);
    await context.kept.acknowledge(target.name);
  }

  #finishInit({ pid }: ContainerProcess, exit: Exit): void {
    const { id, cgroup, context, onInitExit } = this.#options;
    cgroup.close();
    onInitExit();
    try {
      context.files.writeExit({ id, pid, ...exit });
    } catch (error) {
      context.errors.report("exit.json could not be written", error);
    }
  }
}
