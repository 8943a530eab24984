import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Runtime } from "@gantry/ipc/contracts/common";

/**
 * What a shim leaves on disk for whoever comes after it, in its directory. Both files are replaced whole, never
 * seen half. README.md describes them.
 */
export interface TaskRecord {
  readonly id: string;
  readonly namespace: string;
  readonly bundle: string;
  readonly runtime: Runtime;
  readonly shimPid: number;
  /** Process id of the container's first process; absent while the runtime creates it. */
  readonly pid?: number;
}

export interface ExitRecord {
  readonly id: string;
  readonly pid: number;
  readonly exitStatus: number;
  /** RFC 3339 with nanoseconds. */
  readonly exitedAt: string;
}

export class StateFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  writeTask(task: TaskRecord): void {
    this.#replace("task.json", task);
  }

  removeTask(): void {
    rmSync(join(this.#directory, "task.json"), { force: true });
  }

  writeExit(exit: ExitRecord): void {
    this.#replace("exit.json", exit);
  }

  #replace(name: string, content: TaskRecord | ExitRecord): void {
    const path = join(this.#directory, name);
    const temporary = `${path}.new`;
    writeFileSync(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    renameSync(temporary, path);
  }
}
