import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

/** The programs that the shim runs for itself: the event loop reaps them, and the reaper must not. */
export class Children {
  readonly #pids = new Set<number>();

  /** As child_process.spawn; the child is known until its exit has been seen. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const child = spawn(command, args, options);
    const { pid } = child;
    if (pid !== undefined) {
      this.#pids.add(pid);
      child.once("exit", () => this.#pids.delete(pid));
    }
    return child;
  }

  has(pid: number): boolean {
    return this.#pids.has(pid);
  }
}
