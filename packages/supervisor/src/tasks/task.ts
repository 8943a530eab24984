import { readFileSync } from "node:fs";
import type { ItemOf } from "@gantry/ipc";
import type { shimContract } from "@gantry/ipc/contracts/shim";
import { failedPrecondition, unavailable } from "../errors.ts";
import type { NewEvent } from "../metadata/events.ts";
import type { Metadata } from "../metadata/index.ts";
import { now } from "../metadata/rows.ts";
import type { TaskRow, TaskState, TaskStatus } from "../metadata/tasks.ts";
import { forceDelete } from "./runtime-command.ts";
import { connectShim, isAlive, type ShimClient } from "./shim.ts";

type ShimEvent = ItemOf<(typeof shimContract.methods)["events"]>;

export interface Exit {
  readonly exitStatus: number;
  readonly exitedAt: string;
}

/** What nobody knows the exit status of counts as killed by SIGKILL. */
const lostStatus = 137;
const lostReason = "its shim died";
const retryMs = 50;
/** An end is told of after this time even if the OCI runtime has not seen all processes go. */
const longestClearingMs = 5000;
/** Pause before a change that could not be written is written again. */
const rewriteMs = 250;

const topics = {
  create: "/tasks/create",
  start: "/tasks/start",
  exit: "/tasks/exit",
  oom: "/tasks/oom",
  paused: "/tasks/paused",
  resumed: "/tasks/resumed",
  checkpointed: "/tasks/checkpointed",
  "exec-added": "/tasks/exec-added",
  "exec-started": "/tasks/exec-started",
} as const;

const statusAfter: Partial<Record<ShimEvent["topic"], TaskStatus>> = {
  create: "created",
  start: "running",
  paused: "paused",
  resumed: "running",
  exit: "stopped",
};

/** A restored container has its process only with its start. */
const makesPid: ReadonlySet<ShimEvent["topic"]> = new Set(["create", "start"]);

export interface TaskOptions {
  readonly metadata: Metadata;
  readonly row: TaskRow;
  /** A connection that is open already. */
  readonly client?: ShimClient;
  readonly onError: (error: unknown) => void;
  /** Told once when the shim died; the container's processes are dead by then. */
  readonly onLost: (task: Task) => void;
}

/**
 * A container's task as its shim tells of it. The shim's events are taken over one by one, each with the change
 * that it makes and the number up to which they were taken, in one transaction: none is lost or told twice.
 */
export class Task {
  readonly client: ShimClient;
  readonly #options: TaskOptions;
  readonly #created = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<Exit>();
  readonly #lost = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  #row: TaskRow;
  #isLost = false;
  #cleared: Promise<void> = Promise.resolve();

  constructor(options: TaskOptions) {
    this.#options = options;
    this.#row = options.row;
    this.client = options.client ?? connectShim(options.row.shimAddress);
    this.#created.promise.catch(() => {});
    this.#exited.promise.catch(() => {});
    this.#settle();
    this.#follow().catch(options.onError);
  }

  get row(): TaskRow {
    return this.#row;
  }

  /** The shim is dead, and the container with it. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Resolves once the shim was found dead and the container ended. */
  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  /** Resolves once nothing of a container whose shim died is left in its OCI runtime. */
  get cleared(): Promise<void> {
    return this.#cleared;
  }

  /** Resolves once the creation was published; rejects when the shim dies before. */
  get created(): Promise<void> {
    return this.#created.promise;
  }

  /** Resolves once the exit was published. */
  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }

  /** What a reply said, before the event comes. */
  note(status: TaskStatus): void {
    if (this.#row.status !== "stopped") this.#row = { ...this.#row, status };
  }

  /** Stops following; the shim is left alone. */
  close(): void {
    this.#over.abort();
    this.client.close();
    this.#exited.reject(failedPrecondition(`the task of ${this.#row.containerId} was deleted`));
  }

  async #follow(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#readEvents();
      if (this.#over.signal.aborted) return;
      if (await isAlive(this.#row.shimAddress)) await pause(retryMs, this.#over.signal);
      else {
        await this.#lose();
        return;
      }
    }
  }

  async #readEvents(): Promise<void> {
    const stream = this.client.open("events", { from: this.#row.lastEvent + 1 });
    const cancel = () => stream.cancel();
    this.#over.signal.addEventListener("abort", cancel, { once: true });
    stream.result.catch(() => {});
    try {
      for await (const { value } of stream.items) await this.#take(value);
    } catch {
      // Why it ended is found out by asking whether the shim lives.
    } finally {
      this.#over.signal.removeEventListener("abort", cancel);
    }
  }

  async #take(event: ShimEvent): Promise<void> {
    if (event.sequence <= this.#row.lastEvent || this.#over.signal.aborted) return;
    const isOfInit = event.execId === undefined;
    const status = isOfInit ? statusAfter[event.topic] : undefined;
    const isExit = isOfInit && event.topic === "exit";
    await this.#record(
      {
        ...this.#row,
        lastEvent: event.sequence,
        status: status ?? this.#row.status,
        pid: isOfInit && makesPid.has(event.topic) ? (event.pid ?? this.#row.pid) : this.#row.pid,
        exitStatus: isExit ? (event.exitStatus ?? lostStatus) : this.#row.exitStatus,
        exitedAt: isExit ? event.time : this.#row.exitedAt,
      },
      event.topic === "delete" ? [] : [this.#published(event, topics[event.topic])],
    );
  }

  #published(event: ShimEvent, topic: NewEvent["topic"]): NewEvent {
    const { time, execId, pid, exitStatus } = event;
    return {
      namespace: this.#row.namespace,
      topic,
      id: this.#row.containerId,
      time,
      ...(execId === undefined ? {} : { execId }),
      ...(pid === undefined ? {} : { pid }),
      ...(exitStatus === undefined ? {} : { exitStatus }),
    };
  }

  /**
   * Writes a change and its events. While that cannot be done, as with a full disk, those who wait for the task are told
   * all the same: its shim keeps what is not written, and the next supervisor would read it there.
   */
  async #record(state: TaskState, events: readonly NewEvent[]): Promise<void> {
    for (let attempt = 1; !this.#over.signal.aborted; attempt++) {
      try {
        this.#change(state, events);
        return;
      } catch (error) {
        if (attempt === 1) this.#options.onError(error);
        this.#row = { ...this.#row, ...state, lastEvent: this.#row.lastEvent };
        this.#settle();
        await pause(rewriteMs, this.#over.signal);
      }
    }
  }

  #change(state: TaskState, events: readonly NewEvent[]): void {
    const { metadata } = this.#options;
    const { namespace, containerId } = this.#row;
    metadata.events.publishing(() => {
      metadata.tasks.update(namespace, containerId, state);
      return { result: undefined, events };
    });
    this.#row = { ...this.#row, ...state };
    this.#settle();
  }

  #settle(): void {
    const { status, exitStatus = lostStatus, exitedAt = now() } = this.#row;
    if (status !== "creating") this.#created.resolve();
    if (status === "stopped") this.#exited.resolve({ exitStatus, exitedAt });
  }

  /** The shim died: nobody holds the container's streams and status any more, so it is ended too. */
  async #lose(): Promise<void> {
    const { runtime, containerId, namespace, status } = this.#row;
    this.#cleared = forceDelete(runtime, containerId).catch(this.#options.onError);
    await Promise.race([this.#cleared, pause(longestClearingMs, this.#over.signal)]);
    this.#isLost = true;
    this.client.close();
    if (status === "creating") this.#created.reject(unavailable(`the shim of ${containerId} died`));
    else if (status !== "stopped") {
      const { exitedAt, ...exit } = exitRecord(this.#row.shimDirectory) ?? lostExit();
      const event = { namespace, topic: "/tasks/exit", id: containerId, pid: this.#row.pid, ...exit } as const;
      const change = { ...this.#row, status: "stopped", exitedAt, ...exit } as const;
      // Not waited for: who deletes it must not wait for the disk either.
      void this.#record(change, [{ ...event, time: exitedAt }]);
    }
    this.#lost.resolve();
    this.#options.onLost(this);
  }
}

function lostExit() {
  return { exitStatus: lostStatus, exitedAt: now(), reason: lostReason };
}

/** What a shim wrote down before it died. */
function exitRecord(directory: string): Exit | undefined {
  try {
    const { exitStatus, exitedAt } = JSON.parse(readFileSync(`${directory}/exit.json`, "utf8")) as Partial<Exit>;
    return typeof exitStatus === "number" && typeof exitedAt === "string" ? { exitStatus, exitedAt } : undefined;
  } catch {
    return undefined;
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
