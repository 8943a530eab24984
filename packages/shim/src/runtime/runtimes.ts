import type { CreateRequest } from "../context.ts";
import { Kept } from "../process/kept.ts";
import type { Children } from "./children.ts";
import { CommandLineRuntime } from "./command-line.ts";
import type { OciRuntime } from "./runtime.ts";
import { RuntimeWorker } from "./worker.ts";
import { WorkerRuntime } from "./worker-runtime.ts";

/** The runtime of the shim's container, and the standby worker. */
export class Runtimes {
  readonly #directory: string;
  readonly #children: Children;
  readonly #kept: Kept;
  #worker: RuntimeWorker | undefined;

  constructor(directory: string, children: Children, kept: Kept) {
    this.#directory = directory;
    this.#children = children;
    this.#kept = kept;
  }

  prepare(runtime: CreateRequest["runtime"]): Promise<unknown> {
    return this.#workerFor(runtime).prepare();
  }

  get({ runtime, id }: CreateRequest): OciRuntime {
    const own = { runtime, id, directory: this.#directory, children: this.#children, kept: this.#kept };
    const commandLine = new CommandLineRuntime(own);
    if (runtime.worker) {
      const keeper = Kept.path(this.#directory);
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
    this.#worker = new RuntimeWorker({ runtime, directory: this.#directory, children: this.#children });
    return this.#worker;
  }
}
