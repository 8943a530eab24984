import { setTimeout as delay } from "node:timers/promises";
import type { InputOf, ItemOf, OpenStream, ReplyOf, RequestOf } from "@gantry/ipc";
import { isRpcError } from "@gantry/ipc";
import type { supervisorContract } from "@gantry/ipc/contracts/supervisor";
import type { Supervisor } from "./link.ts";

type Methods = (typeof supervisorContract)["methods"];
export type Task = ReplyOf<Methods["tasks.list"]>["tasks"][number];
export type TaskStreams = OpenStream<
  ItemOf<Methods["tasks.attach"]>,
  InputOf<Methods["tasks.attach"]>,
  ReplyOf<Methods["tasks.attach"]>
>;
export type StreamChoice = Pick<RequestOf<Methods["tasks.attach"]>, "stdin" | "stdout" | "stderr">;
export type ExecSpec = Pick<RequestOf<Methods["tasks.exec"]>, "process" | "user" | "stdio">;
type Stdio = RequestOf<Methods["tasks.create"]>["stdio"];

/** A task, or with `execId` a process that was added to it. */
export interface ProcessRef {
  readonly containerId: string;
  readonly execId?: string | undefined;
}

export interface TaskExit {
  readonly exitStatus: number;
  readonly exitedAt: string;
}

/**
 * Work whose length depends on the image, the disk or the OCI runtime: the supervisor bounds each of its steps, and its
 * loss fails the call at once. A deadline here could only end too early, and leave a result that belongs to no caller.
 */
const unbounded = { timeoutMs: 0 };
/** Longer than the supervisor gives the shim for a signal (two minutes), so that its error arrives. */
const bounded = { timeoutMs: 150_000 };

/** Attempts to end a task that is not wanted, and how long each waits for the end. */
const DISCARD_ATTEMPTS = 60;
const DISCARD_WAIT_MS = 500;
const SIGKILL = 9;

/** The supervisor's tasks: one process tree per running container. Deadlines of all calls, and undoing, are here. */
export class Tasks {
  readonly #supervisor: Supervisor;

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  async create(containerId: string, stdio: Stdio): Promise<void> {
    await this.#supervisor.call("tasks.create", { containerId, stdio }, unbounded);
  }

  async exec(containerId: string, execId: string, spec: ExecSpec): Promise<void> {
    await this.#supervisor.call("tasks.exec", { containerId, execId, ...spec }, unbounded);
  }

  /** @returns the process's id on the host */
  async start(process: ProcessRef): Promise<number> {
    return (await this.#supervisor.call("tasks.start", process, unbounded)).pid;
  }

  /** Opens the streams; calls made after this one reach the supervisor after the attach. */
  attach(process: ProcessRef, streams: StreamChoice): TaskStreams {
    return this.#supervisor.open("tasks.attach", { ...process, ...streams });
  }

  /** A task; undefined when there is none. */
  async get(containerId: string): Promise<Task | undefined> {
    try {
      return await this.#supervisor.call("tasks.get", { containerId }, bounded);
    } catch (error) {
      if (isRpcError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  async list(): Promise<Task[]> {
    return (await this.#supervisor.call("tasks.list", {}, bounded)).tasks;
  }

  /** Sends a signal to the first process, or to all. */
  async kill(containerId: string, signal: number, options: { readonly all?: boolean } = {}): Promise<void> {
    await this.#supervisor.call("tasks.kill", { containerId, signal, ...options }, bounded);
  }

  async pause(containerId: string): Promise<void> {
    await this.#supervisor.call("tasks.pause", { containerId }, bounded);
  }

  async resume(containerId: string): Promise<void> {
    await this.#supervisor.call("tasks.resume", { containerId }, bounded);
  }

  async resize(process: ProcessRef, size: { readonly width: number; readonly height: number }): Promise<void> {
    await this.#supervisor.call("tasks.resizePty", { ...process, ...size }, bounded);
  }

  /** Process ids on the host. */
  async pids(containerId: string): Promise<number[]> {
    const { processes } = await this.#supervisor.call("tasks.pids", { containerId }, bounded);
    return processes.map(({ pid }) => pid);
  }

  /** Waits for the end, without a deadline unless one is given. */
  wait(process: ProcessRef, options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}) {
    return this.#supervisor.call("tasks.wait", process, { timeoutMs: 0, ...options });
  }

  /** Deletes an ended task. Its end may be known here a moment before the supervisor has recorded it. */
  async delete(process: ProcessRef): Promise<void> {
    try {
      await this.#supervisor.call("tasks.delete", process, unbounded);
    } catch (error) {
      if (!isRpcError(error, "FailedPrecondition")) throw error;
      await this.wait(process, bounded);
      await this.#supervisor.call("tasks.delete", process, unbounded);
    }
  }

  /**
   * Ends and deletes a task that should not exist, or is only just being created for a caller that is gone.
   * @throws RpcError when the supervisor is lost or the deletion fails; the task's absence is no failure
   */
  async discard(containerId: string): Promise<void> {
    for (let attempt = 0; attempt < DISCARD_ATTEMPTS; attempt++) {
      await this.kill(containerId, SIGKILL, { all: true }).catch(() => {});
      const ended = await this.wait({ containerId }, { timeoutMs: DISCARD_WAIT_MS }).then(
        () => true,
        (error: unknown) => !isRpcError(error, "DeadlineExceeded"),
      );
      if (ended) break;
    }
    await ignoreAbsent(this.#supervisor.call("tasks.delete", { containerId }, unbounded));
  }
}

/** Waits for a removal; something that does not exist is as good as removed. */
export async function ignoreAbsent(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!isRpcError(error, "NotFound")) throw error;
  }
}

/** How often and how far apart a step is repeated while the supervisor is lost: it is started again meanwhile. */
const RETRY_ATTEMPTS = 20;
const RETRY_PAUSE_MS = 250;

/** Repeats a step while the supervisor is unavailable. @throws RpcError of the last attempt */
export async function retryUnavailable(step: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step();
    } catch (error) {
      if (!isRpcError(error, "Unavailable") || attempt === RETRY_ATTEMPTS) throw error;
      await delay(RETRY_PAUSE_MS);
    }
  }
}
