import { Mutex } from "./mutex.ts";

/** @param description of the work, such as "removing a container's snapshot" */
export type TaskErrorHandler = (error: unknown, description: string) => void;

/** Work that goes on after the reply: no caller waits for it, and its failures go to one handler. */
export class BackgroundTasks {
  readonly #running = new Set<Promise<void>>();
  readonly #onError: TaskErrorHandler;
  readonly #order: Mutex | undefined;

  /** @param options.sequential run one task after the other instead of side by side */
  constructor(onError: TaskErrorHandler, options: { readonly sequential?: boolean } = {}) {
    this.#onError = onError;
    this.#order = options.sequential ? new Mutex() : undefined;
  }

  /** Starts work, or queues it behind the earlier work of a sequential instance. */
  add(description: string, work: () => Promise<unknown>): void {
    const result = this.#order === undefined ? start(work) : this.#order.run(work);
    const task = result.then(
      () => {},
      (error: unknown) => this.#onError(error, description),
    );
    this.#running.add(task);
    void task.finally(() => this.#running.delete(task));
  }

  /** Resolves once everything added so far has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }
}

/** A throw before the first await is a failure of the task, not of its caller. */
async function start(work: () => Promise<unknown>): Promise<void> {
  await work();
}
