import { existsSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { setTimeout as delay } from "node:timers/promises";
import type { Resources } from "@gantry/oci-spec/runtime";
import { applyDeviceRules } from "./device-filter.ts";
import { makeDirectory, pidsBelow, readNumber, readTable, readText, removeTree, setLimit, writeFile } from "./files.ts";
import { type CgroupManager, enforcesDevices, type Means } from "./manager.ts";
import { checkMemory } from "./memory-check.ts";
import { limitsV2, type PresentLimits, type UnifiedLimit } from "./v2-limits.ts";
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
    for (const path of this.#above()) {
      const enabled = new Set(readText(join(path, "cgroup.subtree_control")).split(" "));
      for (const name of controllers) if (!enabled.has(name)) tryEnable(path, name);
    }
  }

  apply(resources: Resources, means: Means): void {
    if (resources.memory?.checkBeforeUpdate)
      checkMemory(resources.memory, readNumber(join(this.#path, "memory.current")));
    for (const limit of limitsV2(resources, this.#present(), means.warn)) this.#set(limit, means);
    if (resources.devices && enforcesDevices(means)) applyDeviceRules(means.native, this.#path, resources.devices);
  }

  #present(): PresentLimits {
    const memory = readText(join(this.#path, "memory.max"));
    return {
      cpuMax: readText(join(this.#path, "cpu.max")),
      burst: readNumber(join(this.#path, "cpu.max.burst")),
      memory: memory === "" || memory === "max" ? undefined : Number(memory),
    };
  }

  #set({ file, value, field, optional, otherwise }: UnifiedLimit, { warn }: Means): void {
    const path = join(this.#path, file);
    if (existsSync(path)) setLimit(path, value, field);
    else if (otherwise && existsSync(join(this.#path, otherwise.file)))
      setLimit(join(this.#path, otherwise.file), otherwise.value, field);
    else if (!optional) throw new Error(`${field} cannot be set: ${this.#whyMissing(file)}`);
    else if (optional !== "silent") warn(`${field} is ignored: this kernel has no ${file}`);
  }

  /** A file is there when its controller is passed on all the way down. */
  #whyMissing(file: string): string {
    const controller = file.split(".")[0] ?? "";
    const known = readText(join(mountpoint, "cgroup.controllers")).split(" ");
    if (!known.includes(controller)) return `this machine's cgroup version 2 has no controller "${controller}"`;
    const stops = this.#above().find(
      (path) => !readText(join(path, "cgroup.subtree_control")).split(" ").includes(controller),
    );
    if (!stops) return `this kernel has no ${file}`;
    const busy = stops !== mountpoint && readText(join(stops, "cgroup.procs")) !== "";
    const reason = busy ? ": it has processes of its own, and a cgroup passes controllers on only without any" : "";
    return `the cgroup ${stops} does not pass the controller "${controller}" on${reason}`;
  }

  /** The cgroups above this one, from the root down. */
  #above(): string[] {
    const above: string[] = [];
    for (let path = dirname(this.#path); path.startsWith(mountpoint); path = dirname(path)) above.unshift(path);
    return above;
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
