import { setTimeout as delay, setImmediate as immediate } from "node:timers/promises";
import type { BackgroundTasks } from "@gantry/common/background-tasks";
import { KeyedLock } from "@gantry/common/keyed-lock";
import { type ErrorCode, isRpcError, type ReplyOf, type RequestOf } from "@gantry/ipc";
import type { Stdio } from "@gantry/ipc/contracts/common";
import type { ContainerRecord, supervisorContract, Task as TaskInfo } from "@gantry/ipc/contracts/supervisor";
import type { NativeSys } from "@gantry/native-sys";
import { alreadyExists, failedPrecondition, notFound } from "../errors.ts";
import type { Metadata } from "../metadata/index.ts";
import type { TaskRow } from "../metadata/tasks.ts";
import type { Bundles } from "./bundle.ts";
import { makeFifos, publicFifos, removeShimFiles } from "./fifos.ts";
import { forceDelete } from "./runtime-command.ts";
import { connectShim, type StartedShim } from "./shim.ts";
import type { StandbyPool } from "./standby-pool.ts";
import { type Exit, Task } from "./task.ts";

/** What a task is created with, as in the contract. */
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
  readonly background: BackgroundTasks;
  readonly onError: (error: unknown) => void;
}

/** How long the OCI runtime may take for one command. */
export const runtimeTimeoutMs = 120_000;
const shutdownTimeoutMs = 5000;
const unansweredCodes: readonly ErrorCode[] = ["Unavailable", "DeadlineExceeded", "Cancelled"];

/** The tasks of all containers. Each container has one operation under way at a time. */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #tasks = new Map<string, Task>();
  readonly #lock = new KeyedLock();
  /** What is being cleaned up after a deletion; the container's next task waits for it. */
  readonly #cleanups = new Map<string, Promise<void>>();

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  /** Runs an operation on a container after those before it. */
  exclusive<T>(namespace: string, id: string, work: () => Promise<T>): Promise<T> {
    return this.#lock.run(keyOf(namespace, id), async () => {
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
      const { pid } = await shim.client.call("create", request, { timeoutMs: runtimeTimeoutMs });
      await task.created;
      shim.release();
      return fifos ? { pid, fifos: publicFifos(fifos) } : { pid };
    } catch (error) {
      const used = shim ?? (await taking.catch(() => undefined));
      used?.discard();
      // No answer of the shim's: nobody knows how far the runtime came.
      if (isRpcError(error) && unansweredCodes.includes(error.code))
        await forceDelete(container.runtime, id).catch(onError);
      await this.#forget(namespace, id, used?.directory);
      throw error;
    }
  }

  /** Removes an ended task. Call it in `exclusive`. What others cannot see is cleaned up after the reply. */
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

  /** Takes up tasks that an earlier process left. */
  restore(rows: readonly TaskRow[]): void {
    for (const row of rows) this.#follow(row);
  }

  /** Lets go of all shims; they live on. */
  async close(): Promise<void> {
    for (const task of this.#tasks.values()) task.close();
    await Promise.all(this.#cleanups.values());
  }

  #follow(row: TaskRow, shim?: StartedShim): Task {
    const { metadata, onError } = this.#options;
    const onLost = (task: Task) => this.#lost(task);
    const task = new Task({ metadata, row, onError, onLost, ...(shim ? { client: shim.client } : {}) });
    this.#tasks.set(keyOf(row.namespace, row.containerId), task);
    return task;
  }

  async #deleteInShim(task: Task): Promise<void> {
    try {
      await task.client.call("delete", {}, { timeoutMs: runtimeTimeoutMs });
    } catch (error) {
      // The shim may have died just now: then its end is what counts.
      if (isRpcError(error, "Unavailable")) await Promise.race([task.lost, delay(shutdownTimeoutMs)]);
      if (!task.isLost) throw error;
    }
  }

  /** A task that was never created goes with its shim; any other stays, stopped, until it is deleted. */
  #lost(task: Task): void {
    const { namespace, containerId, status } = task.row;
    if (status !== "creating" || this.find(namespace, containerId) !== task) return;
    this.#cleaning(namespace, containerId, this.#forget(namespace, containerId, task.row.shimDirectory));
  }

  /** Removes what a failed creation made. */
  async #forget(namespace: string, id: string, shimDirectory: string | undefined): Promise<void> {
    const { metadata, bundles, background } = this.#options;
    this.find(namespace, id)?.close();
    this.#tasks.delete(keyOf(namespace, id));
    metadata.tasks.delete(namespace, id);
    if (shimDirectory) background.add("removing a shim", () => removeShim(shimDirectory));
    await bundles.remove(namespace, id);
  }

  /** After a deletion. What is not done here, because this process ends, the next one's start does. */
  #cleanUp(task: Task): void {
    const { namespace, containerId, shimDirectory } = task.row;
    const shimGone = this.#endShim(task).then(() => removeShimFiles(shimDirectory));
    const remove = () => this.#options.bundles.remove(namespace, containerId);
    const bundleGone = immediate()
      .then(() => task.cleared)
      .then(remove);
    this.#cleaning(namespace, containerId, Promise.all([shimGone, bundleGone]));
  }

  /** Lets the container's next task wait for something. */
  #cleaning(namespace: string, id: string, work: Promise<unknown>): void {
    const key = keyOf(namespace, id);
    const done = Promise.all([this.#cleanups.get(key), work.catch(this.#options.onError)]).then(() => {
      if (this.#cleanups.get(key) === done) this.#cleanups.delete(key);
    });
    this.#cleanups.set(key, done);
  }

  async #endShim(task: Task): Promise<void> {
    try {
      if (!task.isLost) await task.client.call("shutdown", { now: true }, { timeoutMs: shutdownTimeoutMs });
    } catch {
      // It is gone already.
    } finally {
      task.close();
    }
  }
}

/** What a client is told of a task. */
export function taskInfo({ row }: Task): TaskInfo {
  const { containerId, pid, terminal, exitStatus, exitedAt, reason } = row;
  return {
    containerId,
    pid,
    terminal,
    status: row.status === "creating" ? "unknown" : row.status,
    ...(exitStatus === undefined ? {} : { exitStatus }),
    ...(exitedAt === undefined ? {} : { exitedAt }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Ends a shim that has no task, if it lives, and removes its directory. */
export async function removeShim(directory: string): Promise<void> {
  const client = connectShim(`ipc://${directory}/shim.sock`, undefined, 0);
  try {
    await client.call("shutdown", { now: true }, { timeoutMs: shutdownTimeoutMs });
  } catch {
    // Nobody is there, which is as well.
  } finally {
    client.close();
    removeShimFiles(directory);
  }
}

function newRow(namespace: string, container: ContainerRecord, stdio: Stdio, shim: StartedShim): TaskRow {
  return {
    namespace,
    containerId: container.id,
    shimDirectory: shim.directory,
    shimAddress: shim.address,
    shimPid: shim.pid,
    runtime: container.runtime,
    terminal: stdio.terminal,
    status: "creating",
    pid: 0,
    lastEvent: 0,
    exitStatus: undefined,
    exitedAt: undefined,
    reason: undefined,
  };
}

function keyOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}
