import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ExitDocument, shimFiles, type TaskDocument } from "@gantry/ipc/formats/shim-directory";

/** The documents in the shim's directory that outlive it. Both are replaced as a whole. */
export class StateFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  writeTask(task: Omit<TaskDocument, "version">): void {
    this.#replace(shimFiles.task, { version: 1, ...task });
  }

  removeTask(): void {
    rmSync(join(this.#directory, shimFiles.task), { force: true });
  }

  writeExit(exit: Omit<ExitDocument, "version">): void {
    this.#replace(shimFiles.exit, { version: 1, ...exit });
  }

  #replace(name: string, content: TaskDocument | ExitDocument): void {
    const path = join(this.#directory, name);
    const temporary = `${path}.new`;
    writeFileSync(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600 });
    renameSync(temporary, path);
  }
}
