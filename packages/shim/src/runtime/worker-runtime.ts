import type { CheckpointOptions } from "@gantry/ipc/contracts/common";
import type { Document, OciRuntime, RuntimeStreams } from "./runtime.ts";
import type { RuntimeClient, RuntimeWorker } from "./worker.ts";

/** A process start takes a processor from those who are still busy with the answer. */
const afterAnswerMs = 50;

export interface WorkerRuntimeOptions {
  readonly worker: RuntimeWorker;
  /** The same runtime by its command line. */
  readonly commandLine: OciRuntime;
  readonly root: string;
  readonly id: string;
}

/**
 * A runtime by messages: what its command line does, without a process start. While the worker rests, one command
 * takes less time than its start would, so the command line is used then; after what is often repeated the worker
 * is started for the next time.
 */
export class WorkerRuntime implements OciRuntime {
  readonly #worker: RuntimeWorker;
  readonly #commandLine: OciRuntime;
  readonly #container: { readonly root: string; readonly id: string };

  #warmUp: NodeJS.Timeout | undefined;

  constructor(options: WorkerRuntimeOptions) {
    this.#worker = options.worker;
    this.#commandLine = options.commandLine;
    this.#container = { root: options.root, id: options.id };
  }

  async create(bundle: string, streams: RuntimeStreams): Promise<number> {
    const request = { ...this.#container, bundle, streams: paths(streams) };
    const { pid } = await this.#worker.use((client) => client.call("create", request));
    return pid;
  }

  async exec(process: Document, streams: RuntimeStreams): Promise<number> {
    return this.#repeatable(
      async (client) => {
        const { pid } = await client.call("exec", { ...this.#container, process, streams: paths(streams) });
        return pid;
      },
      () => this.#commandLine.exec(process, streams),
    );
  }

  async stats(): Promise<Document> {
    return this.#repeatable<Document>(
      (client) => client.call("stats", this.#container),
      () => this.#commandLine.stats(),
    );
  }

  async start(): Promise<void> {
    await this.#quickest(
      (client) => client.call("start", this.#container),
      () => this.#commandLine.start(),
    );
  }

  async kill(signal: number, all: boolean): Promise<void> {
    await this.#quickest(
      (client) => client.call("kill", { ...this.#container, signal, all }),
      () => this.#commandLine.kill(signal, all),
    );
  }

  async delete(): Promise<void> {
    await this.#quickest(
      (client) => client.call("delete", this.#container),
      () => this.#commandLine.delete(),
    );
  }

  async pause(): Promise<void> {
    await this.#quickest(
      (client) => client.call("pause", this.#container),
      () => this.#commandLine.pause(),
    );
  }

  async resume(): Promise<void> {
    await this.#quickest(
      (client) => client.call("resume", this.#container),
      () => this.#commandLine.resume(),
    );
  }

  async pids(): Promise<number[]> {
    return this.#quickest(
      async (client) => (await client.call("pids", this.#container)).pids,
      () => this.#commandLine.pids(),
    );
  }

  async update(resources: Document): Promise<void> {
    await this.#quickest(
      (client) => client.call("update", { ...this.#container, resources }),
      () => this.#commandLine.update(resources),
    );
  }

  /** Rare, and slow whatever way it is asked for. */
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

  #quickest<T>(ask: (client: RuntimeClient) => Promise<T>, run: () => Promise<T>): Promise<T>;
  #quickest(ask: (client: RuntimeClient) => Promise<unknown>, run: () => Promise<void>): Promise<unknown>;
  #quickest(ask: (client: RuntimeClient) => Promise<unknown>, run: () => Promise<unknown>): Promise<unknown> {
    return this.#worker.isReady ? this.#worker.use(ask) : run();
  }

  async #repeatable<T>(ask: (client: RuntimeClient) => Promise<T>, run: () => Promise<T>): Promise<T> {
    if (await this.#worker.becomesReady()) return this.#worker.use(ask);
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
