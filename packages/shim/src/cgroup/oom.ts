import { closeSync, type FSWatcher, openSync, readFileSync, readSync, watch, writeFileSync } from "node:fs";
import { type FdWatch, type NativeSys, POLLIN } from "@gantry/native-sys";
import type { Cgroup } from "./cgroup.ts";

/** The kernel announces lack of memory before it kills for it: the count is looked at again after a while. */
const againMs = 25;
const longestMs = 1000;

/**
 * Reports that the kernel has killed processes of a container for lack of memory. Where there is no memory controller
 * it never does.
 */
export class OomWatch {
  readonly #sys: NativeSys;
  readonly #onOom: () => void;
  readonly #path: string | undefined;
  #last = 0;
  #eventFd = -1;
  #watch: FdWatch | undefined;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(sys: NativeSys, cgroup: Cgroup | undefined, onOom: () => void) {
    this.#sys = sys;
    this.#onOom = onOom;
    const directory = cgroup?.directory("memory");
    if (!cgroup || directory === undefined) return;
    this.#path = `${directory}/${cgroup.version === 1 ? "memory.oom_control" : "memory.events"}`;
    this.#last = this.#count();
    try {
      if (cgroup.version === 1) this.#subscribe(directory);
      else this.#watcher = watch(this.#path, { persistent: false }, () => this.check());
      this.#watcher?.on("error", () => this.#watcher?.close());
    } catch {
      // The container has ended meanwhile, or watches have run out: `check` at its end still counts.
    }
  }

  /** Reports at once a kill since the last report. */
  check(): boolean {
    const before = this.#last;
    this.#last = this.#count();
    if (this.#last <= before) return false;
    this.#onOom();
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watch?.close();
    if (this.#eventFd >= 0) closeSync(this.#eventFd);
    this.#eventFd = -1;
  }

  /** Version 1: the kernel counts an eventfd up at every lack of memory, and at the cgroup's end (memcg's oom_control). */
  #subscribe(directory: string): void {
    this.#eventFd = this.#sys.eventFd();
    const control = openSync(`${directory}/memory.oom_control`, "r");
    try {
      writeFileSync(`${directory}/cgroup.event_control`, `${this.#eventFd} ${control}`);
    } finally {
      closeSync(control);
    }
    this.#watch = this.#sys.watchFd(this.#eventFd, POLLIN, () => this.#announced());
  }

  #announced(): void {
    readSync(this.#eventFd, Buffer.alloc(8));
    clearTimeout(this.#timer);
    this.#lookUntil(performance.now() + longestMs);
  }

  #lookUntil(end: number): void {
    if (this.check() || performance.now() > end) return;
    this.#timer = setTimeout(() => this.#lookUntil(end), againMs).unref();
  }

  #count(): number {
    if (!this.#path) return 0;
    try {
      return Number(/^oom_kill (\d+)$/m.exec(readFileSync(this.#path, "latin1"))?.[1] ?? 0);
    } catch {
      return this.#last; // the cgroup is gone
    }
  }
}
