import { setTimeout as delay, setImmediate as immediate } from "node:timers/promises";
import type { BackgroundTasks } from "@gantry/common/background-tasks";
import { KeyedLock } from "@gantry/common/keyed-lock";
import { type ErrorCode, isRpcError, type ReplyOf, type RequestOf, RpcError } from "@gantry/ipc";
import { deadlines } from "@gantry/ipc/contracts/deadlines";
import type { ContainerRecord, supervisorContract } from "@gantry/ipc/contracts/supervisor";
import type { NativeSys } from "@gantry/native-sys";
import { alreadyExists, failedPrecondition, notFound } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import type { TaskRow } from "../metadata/tasks.ts";
import type { Bundles } from "./bundle.ts";
import { makeFifos, publicFifos, removeShimFiles } from "./fifos.ts";
import { forceDelete } from "./runtime-command.ts";
import type { StartedShim } from "./shim.ts";
import { removeShim, shutDownShim } from "./shim-removal.ts";
import type { StandbyPool } from "./standby-pool.ts";
import { type Exit, Task } from "./task.ts";
import { newRow } from "./task-info.ts";

/** The request of tasks.create, without its container. */
type NewTask = Pick<
  RequestOf<(typeof supervisorContract.methods)["tasks.create"]>,
  "stdio" | "fifoDirectory" | "checkpoint"
>;
type CreatedTask = ReplyOf<(typeof supervisorContract.methods)["tasks.create"]>;

export interface TasksOptions {
  readonly native: NativeSys;
  readonly metadata: Metadata;
  readonly bundles: Bundles;
  readonly pool: StandbyPool;
  /** The shim's binary. */
  readonly shimPath: string;
  readonly background: BackgroundTasks;
  readonly onError: (error: unknown) => void;
}

/** A deletion during which the shim dies is attempted again, in the time that the next shim takes to start. */
const deleteAttempts = 10;
const deleteAgainMs = 500;
/** Errors of a create after which it is unknown how far the runtime came. */
const unansweredCodes: readonly ErrorCode[] = ["Unavailable", "DeadlineExceeded", "Cancelled"];

/** Names a container. */
export interface OfContainer {
  readonly namespace: string;
  readonly containerId: string;
}

/** The tasks of all containers. Operations on one container run one at a time. */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #tasks = new Map<string, Task>();
  readonly #lock = new KeyedLock();
  /** Clean-ups that follow a deletion; the container's next task waits for them. */
  readonly #cleanups = new Map<string, Promise<void>>();

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  /**
   * Runs an operation on a container after the earlier ones.
   * @param signal of the caller: an operation whose caller has gone before it could start is not started
   * @throws RpcError Cancelled
   */
  exclusive<T>({ namespace, containerId }: OfContainer, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#lock.run(keyOf(namespace, containerId), async () => {
      if (signal.aborted) throw new RpcError("Cancelled", `the caller is gone: nothing was done to ${containerId}`);
      using _ = this.#options.pool.busy();
      return await work();
    });
  }

  find(namespace: string, id: string): Task | undefined {
    return this.#tasks.get(keyOf(namespace, id));
  }

  /** @throws RpcError NotFound */
  get(namespace: string, id: string): Task {
    const task = this.find(namespace, id);
    if (!task) throw notFound(`container ${id} has no task`);
    return task;
  }

  list(namespace: string): Task[] {
    return [...this.#tasks.values()].filter((task) => task.row.namespace === namespace);
  }

  /** True while the remains of the container's last task are being removed. */
  isCleaningUp(namespace: string, id: string): boolean {
    return this.#cleanups.has(keyOf(namespace, id));
  }

  /** Resolves once nothing of the container's last task is left. */
  async cleanedUp(namespace: string, id: string): Promise<void> {
    await this.#cleanups.get(keyOf(namespace, id));
  }

  /** Creates a container's task. Call it in `exclusive`. @returns the id of its first process, and its named pipes */
  async create(namespace: string, container: ContainerRecord, options: NewTask): Promise<CreatedTask> {
    const { metadata, bundles, pool, native, onError } = this.#options;
    const { fifoDirectory, checkpoint } = options;
    const { id } = container;
    if (this.find(namespace, id)) throw alreadyExists(`container ${id} has a task already`);
    await this.cleanedUp(namespace, id);
    const taking = pool.take();
    let shim: StartedShim | undefined;
    try {
      const bundle = bundles.create(namespace, container);
      shim = await taking;
      const row = newRow(namespace, container, options.stdio, shim);
      metadata.tasks.insert(row);
      const task = this.#follow(row, shim);
      const place = { parent: fifoDirectory ?? "", id, stdio: options.stdio, shimDirectory: shim.directory };
      const fifos = fifoDirectory === undefined ? undefined : makeFifos(native, place);
      const stdio = fifos ? { ...options.stdio, fifos } : options.stdio;
      const restored = checkpoint === undefined ? {} : { checkpoint };
      const request = { id, namespace, bundle, runtime: container.runtime, stdio, ...restored };
      const { pid } = await shim.client.call("create", request, { timeoutMs: deadlines.shim });
      await task.created;
      shim.release();
      return fifos ? { pid, fifos: publicFifos(fifos) } : { pid };
    } catch (error) {
      const used = shim ?? (await taking.catch(() => undefined));
      used?.discard();
      if (isRpcError(error) && unansweredCodes.includes(error.code))
        await forceDelete(container.runtime, id).catch(onError);
      await this.#forget(namespace, id, used?.directory);
      throw error;
    }
  }

  /** Removes an ended task. Call it in `exclusive`. Mounts, files and the shim are removed after the reply. */
  async delete(namespace: string, id: string): Promise<Exit> {
    const task = this.get(namespace, id);
    const { status } = task.row;
    if (status === "running" || status === "paused") {
      throw failedPrecondition(`container ${id} is ${status}: stop it before its task is deleted`);
    }
    if (!task.isLost) await this.#deleteInShim(task);
    const exit = await task.exited;
    const { pid } = task.row;
    const { metadata } = this.#options;
    metadata.events.publishing(() => {
      metadata.tasks.delete(namespace, id);
      const event = { namespace, topic: "/tasks/delete", id, pid, exitStatus: exit.exitStatus } as const;
      return { result: undefined, events: [event] };
    });
    this.#tasks.delete(keyOf(namespace, id));
    this.#cleanUp(task);
    return exit;
  }

  /** Follows the tasks that an earlier process left. */
  restore(rows: readonly TaskRow[]): void {
    for (const row of rows) this.#follow(row);
  }

  /** Stops following the shims, which live on. */
  async close(): Promise<void> {
    for (const task of this.#tasks.values()) task.close();
    await Promise.all(this.#cleanups.values());
  }

  #follow(row: TaskRow, shim?: StartedShim): Task {
    const { metadata, native, onError } = this.#options;
    const onLost = (task: Task) => this.#lost(task);
    const task = new Task({
      native,
      shimPath: this.#options.shimPath,
      metadata,
      row,
      onError,
      onLost,
      ...(shim ? { client: shim.client } : {}),
    });
    this.#tasks.set(keyOf(row.namespace, row.containerId), task);
    return task;
  }

  async #deleteInShim(task: Task): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await task.client.call("delete", {}, { timeoutMs: deadlines.shim });
        return;
      } catch (error) {
        // The shim may have died just now: then another takes its place, or its container has ended.
        if (isRpcError(error, "Unavailable")) await Promise.race([task.lost, delay(deleteAgainMs)]);
        if (task.isLost) return;
        if (!isRpcError(error, "Unavailable") || attempt === deleteAttempts) throw error;
      }
    }
  }

  /** A task that was never created goes with its shim; any other stays, stopped, until it is deleted. */
  #lost(task: Task): void {
    const { namespace, containerId, status } = task.row;
    if (status !== "creating" || this.find(namespace, containerId) !== task) return;
    this.#cleaning(namespace, containerId, this.#forget(namespace, containerId, task.row.shimDirectory));
  }

  /** Removes everything of a creation that failed. */
  async #forget(namespace: string, id: string, shimDirectory: string | undefined): Promise<void> {
    const { metadata, bundles, background, native } = this.#options;
    this.find(namespace, id)?.close();
    this.#tasks.delete(keyOf(namespace, id));
    metadata.tasks.delete(namespace, id);
    if (shimDirectory) background.add("removing a shim", () => removeShim(native, shimDirectory));
    await bundles.remove(namespace, id);
  }

  /** Cleans up after a deletion. If this process ends before, the next one's start does the rest. */
  #cleanUp(task: Task): void {
    const { namespace, containerId, shimDirectory } = task.row;
    const shimGone = this.#endShim(task).then(() => removeShimFiles(this.#options.native, shimDirectory));
    const remove = () => this.#options.bundles.remove(namespace, containerId);
    const bundleGone = immediate()
      .then(() => task.cleared)
      .then(remove);
    this.#cleaning(namespace, containerId, Promise.all([shimGone, bundleGone]));
  }

  /** Makes the container's next task wait for some work. */
  #cleaning(namespace: string, id: string, work: Promise<unknown>): void {
    const key = keyOf(namespace, id);
    const done = Promise.all([this.#cleanups.get(key), work.catch(this.#options.onError)]).then(() => {
      if (this.#cleanups.get(key) === done) this.#cleanups.delete(key);
    });
    this.#cleanups.set(key, done);
  }

  async #endShim(task: Task): Promise<void> {
    if (!task.isLost) await shutDownShim(task.client);
    task.close();
  }
}

function keyOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}
