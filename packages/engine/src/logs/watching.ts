import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/** A file system may keep quiet about a change (a network's, an overlay's): the log is looked at anyway. */
const LOOK_ANYWAY_MS = 1000;

export interface WatchRequest {
  readonly path: string;
  /** Resolves when nothing will be written any more. */
  readonly finished: Promise<void> | undefined;
  readonly signal: AbortSignal;
}

/** Tells when a log may have grown. */
export class Watching {
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
      // The directory is gone, or there are too many watches: the timer does it.
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
        const timer = setTimeout(resolve, LOOK_ANYWAY_MS);
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
