import { RpcError } from "@gantry/ipc";
import type { ContainerProcess } from "./process.ts";

/** The processes that were added to a container, by their ids. */
export class Execs {
  readonly #byId = new Map<string, ContainerProcess>();

  get(execId: string): ContainerProcess | undefined {
    return this.#byId.get(execId);
  }

  /** @throws RpcError AlreadyExists */
  requireFree(execId: string): void {
    if (this.#byId.has(execId)) throw new RpcError("AlreadyExists", `exec ${execId} exists already`);
  }

  add(exec: ContainerProcess): void {
    this.#byId.set(exec.execId ?? "", exec);
  }

  all(): ContainerProcess[] {
    return [...this.#byId.values()];
  }

  /** Removes an exec that could not be run. */
  fail(exec: ContainerProcess): void {
    this.#byId.delete(exec.execId ?? "");
    exec.abandon();
  }

  /** The id of the exec that runs as a process. */
  ofPid(pid: number): string | undefined {
    return [...this.#byId.values()].find((exec) => exec.pid === pid && !exec.reaped)?.execId;
  }

  /** Removes an exec that has ended or never ran. @throws RpcError FailedPrecondition */
  async delete(exec: ContainerProcess): Promise<void> {
    if (exec.stage === "added") exec.abandon();
    else if (!exec.reaped) exec.require("delete", "stopped");
    this.#byId.delete(exec.execId ?? "");
    if (exec.pid > 0) await exec.exit;
    await releaseStreams(exec);
  }

  /** Removes every exec after the container was deleted. */
  async clear(): Promise<void> {
    const all = [...this.#byId.values()];
    this.#byId.clear();
    for (const exec of all) {
      if (exec.stage === "added") exec.abandon();
      await releaseStreams(exec);
    }
  }
}

/** Closes the streams of a deleted process, and removes its named pipes. */
export async function releaseStreams(target: ContainerProcess): Promise<void> {
  target.stdio.removeFifos();
  await target.stdio.close();
}
