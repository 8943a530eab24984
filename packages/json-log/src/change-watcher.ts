import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/** A network or overlay file system may not report a change: the log is also looked at after this time. */
const pollIntervalMs = 1000;

export interface WatchRequest {
  readonly path: string;
  /** Resolves when nothing more will be written. */
  readonly finished: Promise<void> | undefined;
  readonly signal: AbortSignal;
}

/** Waits for a log to grow. */
export class ChangeWatcher {
  #wake: () => void = () => {};
  #changed = false;
  #finished = false;
  readonly #watcher: FSWatcher | undefined;

  constructor(request: WatchRequest) {
    const change = () => {
      this.#changed = true;
      this.#wake();
    };
    try {
      this.#watcher = watch(dirname(request.path), change);
      this.#watcher.on("error", () => {});
    } catch {
      // The directory is gone, or there are too many watches: the timer remains.
    }
    request.signal.addEventListener("abort", change, { once: true });
    request.finished?.then(() => {
      this.#finished = true;
      this.#wake();
    });
  }

  /** Waits for a change; true when it is the last one. */
  async next(): Promise<boolean> {
    if (!this.#changed && !this.#finished) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pollIntervalMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = () => {};
    this.#changed = false;
    return this.#finished;
  }

  close(): void {
    this.#watcher?.close();
  }
}
