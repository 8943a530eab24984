import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { readReadyLine } from "@gantry/common/ready-line";
import { type CallOptions, type Client, connect, isRpcError, RpcError } from "@gantry/ipc";
import type { Runtime } from "@gantry/ipc/contracts/common";
import { deadlines } from "@gantry/ipc/contracts/deadlines";
import { runtimeContract } from "@gantry/ipc/contracts/runtime";

export type RuntimeClient = Client<typeof runtimeContract.methods>;

/** How long an unused worker is kept: after the container's start, and after requests that are likely to be repeated. */
const idleMs = 5000;
const longIdleMs = 40_000;
const readyOptions = { timeoutMs: 30_000, maxBytes: 64 * 1024 };

interface Running {
  readonly client: RuntimeClient;
  readonly child: ChildProcess;
}

export interface WorkerOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  /** Milliseconds for one request; deadlines.runtime unless given. */
  readonly deadlineMs?: number;
}

/** A runtime's process in `worker` mode: started when it is needed, ended after a while of idleness. */
export class RuntimeWorker {
  readonly #options: WorkerOptions;
  #running: Promise<Running> | undefined;
  #ready = false;
  #users = 0;
  #idleMs = idleMs;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** True for the runtime that this worker was started from. */
  serves(runtime: Runtime): boolean {
    const own = this.#options.runtime;
    return own.path === runtime.path && JSON.stringify(own.args ?? []) === JSON.stringify(runtime.args ?? []);
  }

  /** True when a request would be answered without waiting for its start. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Waits for a start that is under way; false when there is none, or it failed. */
  async becomesReady(): Promise<boolean> {
    await this.#running?.catch(() => undefined);
    return this.#ready;
  }

  /** Starts it ahead of its use; it then stays until it has been used. */
  prepare(): Promise<unknown> {
    return this.#ensure();
  }

  /** Starts it because more requests are likely; from now on it is kept longer. */
  warmUp(): void {
    this.#idleMs = longIdleMs;
    this.use(async () => undefined).catch(() => undefined); // the next use reports the failure
  }

  /**
   * Calls the running worker. A worker that does not answer before the deadline is killed: the caller has given up, and
   * anything that the worker created after that would have no owner.
   * @throws RpcError of the runtime; InvalidArgument when it cannot be started
   */
  async use<T>(call: (client: RuntimeClient, options: CallOptions) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    this.#users += 1;
    try {
      const { client, child } = await this.#ensure();
      return await call(client, { timeoutMs: this.#options.deadlineMs ?? deadlines.runtime }).catch(
        (error: unknown) => {
          if (child.exitCode !== null || child.signalCode !== null) throw this.#lost(child);
          if (isRpcError(error, "DeadlineExceeded")) child.kill("SIGKILL");
          throw error;
        },
      );
    } finally {
      this.#users -= 1;
      if (this.#users === 0) {
        this.#idle = setTimeout(() => this.close(), this.#idleMs);
        this.#idle.unref();
      }
    }
  }

  /** Ends it: its standard input is its lease. The next use starts a new one. */
  close(): void {
    clearTimeout(this.#idle);
    const running = this.#running;
    this.#running = undefined;
    this.#ready = false;
    running?.then(
      ({ client, child }) => {
        client.close();
        child.stdin?.destroy();
      },
      () => undefined,
    );
  }

  #lost(child: ChildProcess): RpcError {
    const how = child.signalCode ?? `status ${child.exitCode}`;
    const message = `the OCI runtime ${this.#options.runtime.path} ended (${how}) before it answered`;
    return new RpcError("Unavailable", message);
  }

  #ensure(): Promise<Running> {
    if (this.#running) return this.#running;
    const running = this.#start(() => {
      if (this.#running !== running) return;
      this.#running = undefined;
      this.#ready = false;
    });
    this.#running = running;
    const ready = () => {
      this.#ready = this.#running === running;
    };
    running.then(ready, () => undefined); // the caller gets the failure
    return running;
  }

  async #start(gone: () => void): Promise<Running> {
    const { runtime, directory } = this.#options;
    const socket = `${directory}/worker.sock`;
    const address = `ipc://${socket}`;
    rmSync(socket, { force: true });
    const args = [...(runtime.args ?? []), "worker", "--address", address];
    const child = spawn(runtime.path, args, { cwd: "/", stdio: ["pipe", "pipe", "inherit"] });
    child.once("exit", gone);
    child.stdin?.on("error", () => undefined);
    try {
      await readReadyLine(child, readyOptions);
    } catch (error) {
      gone();
      child.stdin?.destroy();
      const why = (error as Error).message;
      throw new RpcError("InvalidArgument", `the OCI runtime ${runtime.path} does not run as a worker: ${why}`);
    }
    child.stdout?.destroy();
    child.unref();
    const client = connect(runtimeContract, { endpoint: address });
    child.once("exit", () => client.close());
    return { client, child };
  }
}
