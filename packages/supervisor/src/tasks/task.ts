import { setTimeout as delay } from "node:timers/promises";
import { isListening, isRpcError } from "@gantry/ipc";
import { shimAnswerDeadline } from "@gantry/ipc/contracts/deadlines";
import { keeperPath } from "@gantry/ipc/formats/shim-directory";
import { endKeeper, KeeperClient } from "@gantry/keeper";
import { isSystemError, type NativeSys } from "@gantry/native-sys";
import { failedPrecondition, unavailable } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import { now } from "../metadata/rows.ts";
import type { TaskRow, TaskStatus } from "../metadata/tasks.ts";
import { readExit } from "./recorded-exit.ts";
import { forceDelete } from "./runtime-command.ts";
import { adoptShim, connectShim, type ShimClient } from "./shim.ts";
import { changeBy, changeByExit, lostStatus, type ShimEvent, type TaskChange } from "./shim-events.ts";

export interface Exit {
  readonly exitStatus: number;
  readonly exitedAt: string;
}

const lostReason = "its shim died";
/** Pauses between attempts to reach a shim that listens and does not answer: doubled from the first to the last. */
const firstRetryMs = 25;
const longestRetryMs = 5000;
/** The failed attempt in a row that is reported. */
const reportedFailure = 3;
/** The end of a container whose shim died is published after this time even if its processes have not been seen to go. */
const longestClearingMs = 5000;
/** Pause before a change that could not be written is written again. */
const rewriteMs = 250;

export interface TaskOptions {
  /** The program of a shim that takes over the container of one that died. */
  readonly shimPath: string;
  readonly native: NativeSys;
  readonly metadata: Metadata;
  readonly row: TaskRow;
  /** An open connection to the shim. */
  readonly client?: ShimClient;
  readonly onError: (error: unknown) => void;
  /** Called once when the shim died; the container's processes are dead by then. */
  readonly onLost: (task: Task) => void;
}

/**
 * The task of a container as its shim reports it. Each event of the shim is recorded with the change that it makes and
 * its number, in one transaction: none is lost or published twice.
 *
 * Only the absence of a listener on its socket shows that a shim is dead. One that answers slowly, or not at all, keeps
 * its container, and is tried again. Where the container of a dead one lives on in its keeper, another shim is started.
 */
export class Task {
  readonly client: ShimClient;
  readonly #options: TaskOptions;
  readonly #created = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<Exit>();
  readonly #lost = Promise.withResolvers<void>();
  readonly #closing = new AbortController();
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
    this.#follow(options.client !== undefined).catch(options.onError);
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

  /** Resolves once the OCI runtime has removed a container whose shim died. */
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

  /** Takes over the status that a reply implies, before its event arrives. */
  noteStatus(status: TaskStatus): void {
    if (this.#row.status !== "stopped") this.#row = { ...this.#row, status };
  }

  /** Stops following; the shim is left alone. */
  close(): void {
    this.#closing.abort();
    this.client.close();
    this.#exited.reject(failedPrecondition(`the task of ${this.#row.containerId} was deleted`));
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #follow(isConnected: boolean): Promise<void> {
    let isPresent = isConnected;
    for (let failures = 0; !this.#isClosed; ) {
      isPresent ||= await isListening(this.#row.shimAddress);
      if (this.#isClosed) return;
      if (!isPresent) {
        if (!(await this.#adopt())) return await this.#lose();
        continue;
      }
      isPresent = false;
      const { lastEvent } = this.#row;
      const failure = await this.#readEvents();
      if (this.#isClosed) return;
      if (await this.#resynchronize(failure)) continue;
      failures = this.#row.lastEvent > lastEvent ? 1 : failures + 1;
      if (failures === reportedFailure) this.#reportSilence(failure);
      await pause(Math.min(firstRetryMs * 2 ** failures, longestRetryMs), this.#closing.signal);
    }
  }

  /** Starts another shim for a container that lives on in its keeper. @returns false where there is no keeper */
  async #adopt(): Promise<boolean> {
    const { shimDirectory, status } = this.#row;
    // Half a container is not taken over: its creation has failed.
    if (status === "creating" || !(await isKept(this.#options.native, shimDirectory))) return false;
    try {
      await adoptShim(this.#options.shimPath, shimDirectory);
      return true;
    } catch (error) {
      this.#options.onError(error);
      // As with a machine out of memory: the container runs, and the next attempt may succeed.
      await pause(longestRetryMs, this.#closing.signal);
      return !this.#isClosed && (await isKept(this.#options.native, shimDirectory));
    }
  }

  #reportSilence(failure: unknown): void {
    const message = `the shim of ${this.#row.containerId} listens but does not answer: it is tried again`;
    this.#options.onError(unavailable(message, failure));
  }

  /** Records events until the stream ends. @returns the reason of its end */
  async #readEvents(): Promise<unknown> {
    const stream = this.client.open("events", { from: this.#row.lastEvent + 1 });
    const cancel = () => stream.cancel();
    this.#closing.signal.addEventListener("abort", cancel, { once: true });
    stream.result.catch(() => {});
    try {
      for await (const { value } of stream.items) await this.#take(value);
      await stream.result;
      return undefined;
    } catch (error) {
      return error;
    } finally {
      this.#closing.signal.removeEventListener("abort", cancel);
    }
  }

  async #take(event: ShimEvent): Promise<void> {
    if (event.sequence <= this.#row.lastEvent || this.#isClosed) return;
    await this.#record(changeBy(event, this.#row));
  }

  /**
   * The shim no longer keeps all the events that were missed: its state is recorded in their place, an exit with its
   * event, and the events that are still kept follow.
   * @returns false for another failure, or when the state cannot be read now
   */
  async #resynchronize(failure: unknown): Promise<boolean> {
    const oldest = isRpcError(failure, "FailedPrecondition") ? failure.data?.["oldest"] : undefined;
    if (typeof oldest !== "number") return false;
    const change = await this.#stateNow().catch(() => undefined);
    if (change === undefined || this.#isClosed) return false;
    await this.#record({ ...change, state: { ...change.state, lastEvent: oldest - 1 } });
    return true;
  }

  async #stateNow(): Promise<TaskChange> {
    try {
      const { pid, status, ...exit } = await this.client.call("state", {}, { timeoutMs: shimAnswerDeadline });
      const row = { ...this.#row, pid };
      if (status === "stopped") return changeByExit(row, { reason: undefined, ...lostExit(), ...exit });
      return { state: status === "unknown" ? row : { ...row, status }, events: [] };
    } catch (error) {
      // The shim has deleted the container.
      if (isRpcError(error, "NotFound")) return changeByExit(this.#row, this.#recordedExit());
      throw error;
    }
  }

  /**
   * Writes a change and its events. While that is impossible, as with a full disk, callers that wait for the task get
   * their answer all the same: the shim keeps the events, and the next supervisor would read them there.
   */
  async #record({ state, events }: TaskChange): Promise<void> {
    for (let attempt = 1; !this.#isClosed; attempt++) {
      try {
        this.#write({ state, events });
        return;
      } catch (error) {
        if (attempt === 1) this.#options.onError(error);
        this.#row = { ...this.#row, ...state, lastEvent: this.#row.lastEvent };
        this.#settle();
        await pause(rewriteMs, this.#closing.signal);
      }
    }
  }

  #write({ state, events }: TaskChange): void {
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

  /** The shim died: nothing owns the container's streams and exit status any more, so the container is ended too. */
  async #lose(): Promise<void> {
    const { runtime, containerId, status, shimDirectory } = this.#row;
    this.#cleared = forceDelete(runtime, containerId)
      .then(() => endKeeper(this.#options.native, keeperPath(shimDirectory)))
      .catch(this.#options.onError);
    await Promise.race([this.#cleared, pause(longestClearingMs, this.#closing.signal)]);
    this.#isLost = true;
    this.client.close();
    if (status === "creating") this.#created.reject(unavailable(`the shim of ${containerId} died`));
    // Not awaited: a deletion must not wait for the disk either.
    else if (status !== "stopped") void this.#record(changeByExit(this.#row, this.#recordedExit()));
    this.#lost.resolve();
    this.#options.onLost(this);
  }

  /** The exit in the shim's directory, else that of a container whose shim died. */
  #recordedExit(): Exit & Pick<TaskRow, "reason"> {
    try {
      const recorded = readExit(this.#row.shimDirectory);
      if (recorded) return { exitStatus: recorded.exitStatus, exitedAt: recorded.exitedAt, reason: undefined };
    } catch (error) {
      this.#options.onError(error);
    }
    return { ...lostExit(), reason: lostReason };
  }
}

/** True when a keeper listens in a shim's directory. A keeper that cannot be reached for another reason counts as one. */
async function isKept(native: NativeSys, shimDirectory: string): Promise<boolean> {
  try {
    const keeper = await KeeperClient.connect(native, keeperPath(shimDirectory));
    keeper.close();
    return true;
  } catch (error) {
    return !isSystemError(error, "ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE");
  }
}

function lostExit(): Exit {
  return { exitStatus: lostStatus, exitedAt: now() };
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {}); // an abort ends the pause
}
