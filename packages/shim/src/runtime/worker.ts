import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { type Client, connect, RpcError } from "@gantry/ipc";
import type { Runtime } from "@gantry/ipc/contracts/common";
import { runtimeContract } from "@gantry/ipc/contracts/runtime";
import type { Children } from "./children.ts";

export type RuntimeClient = Client<typeof runtimeContract.methods>;

/** How long an unused worker is kept, and one of a container that is asked for more than its life. */
const idleMs = 5000;
const longIdleMs = 40_000;
/** A worker says where it listens within this time, or it is not coming. */
const startMs = 10_000;
const longestReadyLine = 64 * 1024;

interface Running {
  readonly client: RuntimeClient;
  readonly child: ChildProcess;
}

export interface WorkerOptions {
  readonly runtime: Runtime;
  readonly directory: string;
  readonly children: Children;
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

  /** True when this is the runtime that `runtime` asks for. */
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

  /** Starts it because more may be asked soon; from now on it stays longer. */
  warmUp(): void {
    this.#idleMs = longIdleMs;
    this.use(async () => undefined).catch(() => undefined); // whoever needs it will be told
  }

  /**
   * Lends the running worker to `act`.
   * @throws RpcError of the runtime; InvalidArgument when it cannot be started
   */
  async use<T>(act: (client: RuntimeClient) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    this.#users += 1;
    try {
      const { client, child } = await this.#ensure();
      return await act(client).catch((error) => {
        throw child.exitCode === null && child.signalCode === null ? error : this.#lost(child);
      });
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
    running.then(ready, () => undefined); // whoever asked for it is told
    return running;
  }

  async #start(gone: () => void): Promise<Running> {
    const { runtime, directory, children } = this.#options;
    const socket = `${directory}/worker.sock`;
    const address = `ipc://${socket}`;
    rmSync(socket, { force: true });
    const args = [...(runtime.args ?? []), "worker", "--address", address];
    const child = children.spawn(runtime.path, args, { cwd: "/", stdio: ["pipe", "pipe", "inherit"] });
    child.once("exit", gone);
    child.stdin?.on("error", () => undefined);
    try {
      await readyLine(child);
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

/** Waits for the one line of JSON that a worker prints once it listens. */
function readyLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`it was not ready after ${startMs} ms`)), startMs);
    const finish = (error?: Error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    child.once("error", finish);
    child.once("exit", (code, signal) => finish(new Error(`it ended with ${code ?? signal}`)));
    child.stdout?.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      if (text.includes("\n")) finish();
      else if (text.length > longestReadyLine) finish(new Error("its first line has no end"));
    });
  });
}
