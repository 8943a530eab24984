import { existsSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { setTimeout as delay } from "node:timers/promises";
import type { Resources } from "@gantry/oci-spec/runtime";
import { makeDirectory, pidsBelow, readTable, readText, removeTree, setLimit, writeFile } from "./files.ts";
import type { CgroupManager } from "./manager.ts";
import { limitsV2 } from "./v2-limits.ts";
import { statsV2 } from "./v2-stats.ts";

const mountpoint = "/sys/fs/cgroup";

/** The container's one cgroup of version 2. */
export class VersionTwo implements CgroupManager {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  joinFiles(): string[] {
    return [];
  }

  cloneInto(): string | undefined {
    return this.#path || undefined;
  }

  /** Every directory on the way passes its controllers on; those that it cannot are found out when a limit is set. */
  create(): void {
    if (!this.#path) return;
    makeDirectory(this.#path);
    const controllers = readText(join(mountpoint, "cgroup.controllers")).split(" ").filter(Boolean);
    const above: string[] = [];
    for (let path = dirname(this.#path); path.startsWith(mountpoint); path = dirname(path)) above.unshift(path);
    for (const path of above) {
      const enabled = new Set(readText(join(path, "cgroup.subtree_control")).split(" "));
      for (const name of controllers) if (!enabled.has(name)) tryEnable(path, name);
    }
  }

  apply(resources: Resources, warn: (message: string) => void): void {
    for (const { file, value, field, optional } of limitsV2(resources, warn)) {
      const path = join(this.#path, file);
      if (existsSync(path)) setLimit(path, value, field);
      else if (optional) warn(`${field} is ignored: this kernel has no ${file}`);
      else throw new Error(`${field} cannot be set: ${path} is not there, so its cgroup controller is not enabled`);
    }
  }

  pids(): number[] {
    return this.#path ? pidsBelow(this.#path) : [];
  }

  async freeze(frozen: boolean): Promise<void> {
    const wanted = frozen ? 1 : 0;
    writeFile(join(this.#path, "cgroup.freeze"), String(wanted));
    for (let tries = 0; tries < 500; tries++) {
      if (readTable(join(this.#path, "cgroup.events"))["frozen"] === wanted) return;
      await delay(tries < 10 ? 1 : 10);
    }
    throw new Error(`the container's processes could not be ${frozen ? "frozen" : "thawed"}`);
  }

  isFrozen(): boolean {
    return readText(join(this.#path, "cgroup.freeze")) === "1";
  }

  async remove(): Promise<void> {
    if (this.#path) await removeTree(this.#path);
  }

  stats(): Record<string, unknown> {
    return statsV2(this.#path);
  }
}

function tryEnable(path: string, controller: string): void {
  try {
    writeFile(join(path, "cgroup.subtree_control"), `+${controller}`);
  } catch {
    // A controller that is used elsewhere, or a directory with processes of its own.
  }
}
