import type { CreateRequest } from "../context.ts";
import type { Kept } from "../process/kept.ts";
import { CommandLineRuntime } from "./command-line.ts";
import type { OciRuntime } from "./runtime.ts";
import { RuntimeWorker } from "./worker.ts";
import { WorkerRuntime } from "./worker-runtime.ts";

/** The runtime of the shim's container, and the standby worker. */
export class Runtimes {
  readonly #directory: string;
  readonly #kept: Kept;
  #worker: RuntimeWorker | undefined;

  constructor(directory: string, kept: Kept) {
    this.#directory = directory;
    this.#kept = kept;
  }

  prepare(runtime: CreateRequest["runtime"]): Promise<unknown> {
    return this.#workerFor(runtime).prepare();
  }

  get({ runtime, id }: CreateRequest): OciRuntime {
    const commandLine = new CommandLineRuntime({ runtime, id, directory: this.#directory, kept: this.#kept });
    if (runtime.worker) {
      const keeper = this.#kept.path;
      return new WorkerRuntime({ worker: this.#workerFor(runtime), commandLine, root: runtime.root, id, keeper });
    }
    this.close();
    return commandLine;
  }

  close(): void {
    this.#worker?.close();
    this.#worker = undefined;
  }

  #workerFor(runtime: CreateRequest["runtime"]): RuntimeWorker {
    if (this.#worker?.serves(runtime)) return this.#worker;
    this.close();
    this.#worker = new RuntimeWorker({ runtime, directory: this.#directory });
    return this.#worker;
  }
}
