import type { CallOptions } from "@gantry/ipc";
import type { CheckpointOptions } from "@gantry/ipc/contracts/common";
import type { Document, OciRuntime, RuntimeStreams } from "./runtime.ts";
import type { RuntimeClient, RuntimeWorker } from "./worker.ts";

/** A process start at once would take a processor from the programs that are still handling the answer. */
const afterAnswerMs = 50;

type WorkerCall<T> = (client: RuntimeClient, options: CallOptions) => Promise<T>;

export interface WorkerRuntimeOptions {
  readonly worker: RuntimeWorker;
  /** The same runtime by its command line. */
  readonly commandLine: OciRuntime;
  readonly root: string;
  readonly id: string;
  /** The socket of the keeper, which starts the container's processes for the worker. */
  readonly keeper: string;
}

/**
 * A runtime by messages: the commands of its command line without a process start. While no worker runs, one command
 * takes less time than the worker's start, so the command line is used; after a request that is often repeated the
 * worker is started for the next one.
 */
export class WorkerRuntime implements OciRuntime {
  readonly #worker: RuntimeWorker;
  readonly #commandLine: OciRuntime;
  readonly #container: { readonly root: string; readonly id: string };
  readonly #keeper: string;

  #warmUp: NodeJS.Timeout | undefined;

  constructor(options: WorkerRuntimeOptions) {
    this.#worker = options.worker;
    this.#commandLine = options.commandLine;
    this.#container = { root: options.root, id: options.id };
    this.#keeper = options.keeper;
  }

  async create(bundle: string, streams: RuntimeStreams): Promise<number> {
    const request = { ...this.#container, bundle, streams: paths(streams), keeper: this.#keeper };
    const { pid } = await this.#worker.use((client, options) => client.call("create", request, options));
    return pid;
  }

  async exec(process: Document, streams: RuntimeStreams): Promise<number> {
    return this.#repeatable(
      async (client, options) => {
        const request = { ...this.#container, process, streams: paths(streams), keeper: this.#keeper };
        const { pid } = await client.call("exec", request, options);
        return pid;
      },
      () => this.#commandLine.exec(process, streams),
    );
  }

  async stats(): Promise<Document> {
    return this.#repeatable<Document>(
      (client, options) => client.call("stats", this.#container, options),
      () => this.#commandLine.stats(),
    );
  }

  async start(): Promise<void> {
    await this.#quickest(
      (client, options) => client.call("start", this.#container, options),
      () => this.#commandLine.start(),
    );
  }

  async status(): Promise<string> {
    return this.#quickest(
      async (client, options) => String((await client.call("state", this.#container, options))["status"]),
      () => this.#commandLine.status(),
    );
  }

  async kill(signal: number, all: boolean): Promise<void> {
    await this.#quickest(
      (client, options) => client.call("kill", { ...this.#container, signal, all }, options),
      () => this.#commandLine.kill(signal, all),
    );
  }

  async delete(): Promise<void> {
    await this.#quickest(
      (client, options) => client.call("delete", this.#container, options),
      () => this.#commandLine.delete(),
    );
  }

  async pause(): Promise<void> {
    await this.#quickest(
      (client, options) => client.call("pause", this.#container, options),
      () => this.#commandLine.pause(),
    );
  }

  async resume(): Promise<void> {
    await this.#quickest(
      (client, options) => client.call("resume", this.#container, options),
      () => this.#commandLine.resume(),
    );
  }

  async pids(): Promise<number[]> {
    return this.#quickest(
      async (client, options) => (await client.call("pids", this.#container, options)).pids,
      () => this.#commandLine.pids(),
    );
  }

  async update(resources: Document): Promise<void> {
    await this.#quickest(
      (client, options) => client.call("update", { ...this.#container, resources }, options),
      () => this.#commandLine.update(resources),
    );
  }

  /** Rare, and slow either way. */
  checkpoint(options: CheckpointOptions): Promise<void> {
    return this.#commandLine.checkpoint(options);
  }

  restore(bundle: string, imagePath: string, streams: RuntimeStreams): Promise<number> {
    return this.#commandLine.restore(bundle, imagePath, streams);
  }

  close(): void {
    clearTimeout(this.#warmUp);
    this.#worker.close();
  }

  #quickest<T>(call: WorkerCall<T>, run: () => Promise<T>): Promise<T>;
  #quickest(call: WorkerCall<unknown>, run: () => Promise<void>): Promise<unknown>;
  #quickest(call: WorkerCall<unknown>, run: () => Promise<unknown>): Promise<unknown> {
    return this.#worker.isReady ? this.#worker.use(call) : run();
  }

  async #repeatable<T>(call: WorkerCall<T>, run: () => Promise<T>): Promise<T> {
    if (await this.#worker.becomesReady()) return this.#worker.use(call);
    const result = await run();
    clearTimeout(this.#warmUp);
    this.#warmUp = setTimeout(() => this.#worker.warmUp(), afterAnswerMs).unref();
    return result;
  }
}

/** Descriptors of this process, as the worker opens them. */
function paths(streams: RuntimeStreams) {
  const path = (fd: number | undefined) => (fd === undefined ? undefined : `/proc/${process.pid}/fd/${fd}`);
  const { consoleSocket } = streams;
  const named = {
    stdin: path(streams.stdin),
    stdout: path(streams.stdout),
    stderr: path(streams.stderr),
    consoleSocket,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}
