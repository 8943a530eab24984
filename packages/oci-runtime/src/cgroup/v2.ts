import { join } from "node:path/posix";
import { setTimeout as delay } from "node:timers/promises";
import type { Resources } from "@gantry/oci-spec/runtime";
import { makeDirectory, pidsBelow, readTable, readText, removeTree, writeFile } from "./files.ts";
import type { CgroupManager, LimitContext } from "./types.ts";
import { cgroupsAbove, mountpoint } from "./v2-tree.ts";

/** The container's one cgroup of version 2. */
export class VersionTwo implements CgroupManager {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  joinFiles(): string[] {
    return [];
  }

  cloneInto(first?: number): string | undefined {
    if (first === undefined || readText(join(this.#path, "cgroup.subtree_control")) === "")
      return this.#path || undefined;
    const below = /^0::(\/.*)$/m.exec(readText(`/proc/${first}/cgroup`))?.[1];
    const path = below ? join(mountpoint, below) : this.#path;
    return path.startsWith(`${this.#path}/`) ? path : this.#path;
  }

  /** Every directory on the way passes its controllers on; those that it cannot are found out when a limit is set. */
  create(): void {
    if (!this.#path) return;
    makeDirectory(this.#path);
    const controllers = readText(join(mountpoint, "cgroup.controllers")).split(" ").filter(Boolean);
    for (const path of cgroupsAbove(this.#path)) {
      const enabled = new Set(readText(join(path, "cgroup.subtree_control")).split(" "));
      for (const name of controllers) if (!enabled.has(name)) tryEnable(path, name);
    }
  }

  async apply(resources: Resources, context: LimitContext): Promise<void> {
    const { applyV2 } = await import("./v2-apply.ts");
    applyV2(this.#path, resources, context);
  }

  pids(): number[] {
    return this.#path ? pidsBelow(this.#path) : [];
  }

  /** The kernel ends all of them in one step, also those that are being forked and those that are frozen. */
  killAll(): boolean {
    try {
      writeFile(join(this.#path, "cgroup.kill"), "1");
      return true;
    } catch {
      return false;
    }
  }

  async freeze(frozen: boolean): Promise<void> {
    const wanted = frozen ? 1 : 0;
    writeFile(join(this.#path, "cgroup.freeze"), String(wanted));
    for (let tries = 0; tries < 500; tries++) {
      if (readTable(join(this.#path, "cgroup.events"))["frozen"] === wanted) return;
      await delay(tries < 10 ? 1 : 10);
    }
    if (frozen) writeFile(join(this.#path, "cgroup.freeze"), "0");
    throw new Error(`the container's processes could not be ${frozen ? "frozen" : "thawed"}`);
  }

  isFrozen(): boolean {
    return readText(join(this.#path, "cgroup.freeze")) === "1";
  }

  async remove(): Promise<void> {
    if (this.#path) await removeTree(this.#path);
  }

  async stats(): Promise<Record<string, unknown>> {
    const { statsV2 } = await import("./v2-stats.ts");
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
