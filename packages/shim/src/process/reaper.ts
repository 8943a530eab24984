import {
  CLD_EXITED,
  type ExitInfo,
  type NativeSys,
  P_ALL,
  P_PID,
  PR_SET_CHILD_SUBREAPER,
  WNOWAIT,
} from "@gantry/native-sys";

/** How a process ended, as the shells count it: 128+n for signal n. */
export type OnExit = (exitStatus: number) => void;

/**
 * Reaps the container's processes: the watched ones, and orphans that come to this process as their
 * subreaper (prctl(2), PR_SET_CHILD_SUBREAPER). The programs that this process runs for itself are left to
 * the event loop.
 *
 * A process may end before its id is known here. While one is expected (`hold`), nothing unknown is reaped: the
 * kernel keeps its exit status, and its id cannot be given to another.
 */
export class Reaper {
  readonly #sys: NativeSys;
  readonly #isOwn: (pid: number) => boolean;
  readonly #watched = new Map<number, OnExit>();
  #holds = 0;
  #retrying = false;
  readonly #onSignal = () => this.#sweep();

  /** @param isOwn whether a child is a program that this process runs for itself */
  constructor(sys: NativeSys, isOwn: (pid: number) => boolean) {
    this.#sys = sys;
    this.#isOwn = isOwn;
    sys.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    process.on("SIGCHLD", this.#onSignal);
  }

  /** Until it is disposed of, unknown children are left unreaped for a `watch`. */
  hold(): Disposable {
    this.#holds += 1;
    return {
      [Symbol.dispose]: () => {
        this.#holds -= 1;
        this.#sweep();
      },
    };
  }

  /** Reports the exit of a child, at once if it has ended. */
  watch(pid: number, onExit: OnExit): void {
    this.#watched.set(pid, onExit);
    this.#check(pid);
  }

  stop(): void {
    process.off("SIGCHLD", this.#onSignal);
  }

  #sweep(): void {
    for (const pid of [...this.#watched.keys()]) this.#check(pid);
    if (this.#holds > 0) return;
    for (;;) {
      const ended = this.#sys.waitid(P_ALL, 0, WNOWAIT);
      if (ended === null) return;
      // The kernel reports one child at a time: a program of our own hides the rest until the event loop has reaped it.
      if (this.#isOwn(ended.pid)) {
        this.#retry();
        return;
      }
      this.#reap(ended.pid);
    }
  }

  #check(pid: number): void {
    if (this.#watched.has(pid)) this.#reap(pid);
  }

  #reap(pid: number): void {
    const exit = this.#sys.waitid(P_PID, pid, 0);
    if (exit === null) return;
    const onExit = this.#watched.get(pid);
    this.#watched.delete(pid);
    onExit?.(statusOf(exit));
  }

  #retry(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    setImmediate(() => {
      this.#retrying = false;
      this.#sweep();
    });
  }
}

function statusOf(exit: ExitInfo): number {
  return exit.code === CLD_EXITED ? exit.status : 128 + exit.status;
}
