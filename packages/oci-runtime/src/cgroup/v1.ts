import { existsSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { setTimeout as delay } from "node:timers/promises";
import type { Resources } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { makeDirectory, pidsBelow, readNumber, readText, removeTree, setLimit, writeFile } from "./files.ts";
import { type CgroupManager, type CgroupPaths, enforcesDevices, type Means } from "./manager.ts";
import { checkMemory } from "./memory-check.ts";
import { type Limit, limitsV1 } from "./v1-limits.ts";
import { statsV1 } from "./v1-stats.ts";

/** Cgroups of version 1, with or without a tree of version 2 beside them: one directory in each hierarchy. */
export class VersionOne implements CgroupManager {
  readonly #paths: CgroupPaths;
  /** Directory by controller. */
  readonly #byController = new Map<string, string>();
  /** Name of the version 2 tree beside the others. */
  readonly #second: string | undefined;

  constructor(facts: Facts, paths: CgroupPaths) {
    this.#paths = paths;
    for (const { name, controllers } of facts.cgroup.hierarchies)
      for (const controller of controllers) {
        const path = paths[name];
        if (path) this.#byController.set(controller, path);
      }
    this.#second = facts.cgroup.hierarchies.find(({ version }) => version === 2)?.name;
  }

  /**
   * A single thread that moves itself by `tasks` need not wait for the lock that keeps whole processes from forking,
   * which costs milliseconds a hierarchy.
   */
  joinFiles(): string[] {
    const first = Object.entries(this.#paths).filter(([name]) => name !== this.#second);
    return first.map(([, path]) => join(path, "tasks"));
  }

  cloneInto(): string | undefined {
    return this.#second === undefined ? undefined : this.#paths[this.#second];
  }

  create(): void {
    const cpuset = this.#byController.get("cpuset");
    for (const path of Object.values(this.#paths)) {
      if (path === cpuset) makeCpuset(path);
      else makeDirectory(path);
    }
  }

  apply(resources: Resources, means: Means): void {
    const memory = this.#byController.get("memory");
    if (resources.memory?.checkBeforeUpdate && memory)
      checkMemory(resources.memory, readNumber(join(memory, "memory.usage_in_bytes")));
    const { devices = [], ...rest } = resources;
    const limits = limitsV1({ ...rest, devices: enforcesDevices(means) ? devices : [] }, means.warn);
    for (const { controller, file, otherwise, value, field, optional } of this.#inOrder(limits)) {
      const directory = this.#byController.get(controller);
      const there = [file, ...(otherwise ? [otherwise] : [])].find(
        (name) => directory && existsSync(join(directory, name)),
      );
      if (directory && there) setLimit(join(directory, there), value, field);
      else if (!optional && !directory)
        throw new Error(`${field} cannot be set: the cgroup controller "${controller}" is not mounted`);
      else if (!optional) throw new Error(`${field} cannot be set: this kernel has no ${file}`);
      else if (optional !== "silent") means.warn(`${field} is ignored: this kernel has no ${file}`);
    }
  }

  /** Memory alone may never be above memory and swap together: when both grow, the latter grows first. */
  #inOrder(limits: Limit[]): Limit[] {
    const memory = limits.findIndex(({ file }) => file === "memory.limit_in_bytes");
    const both = limits.findIndex(({ file }) => file === "memory.memsw.limit_in_bytes");
    const directory = this.#byController.get("memory");
    const [first, second] = [limits[memory], limits[both]];
    if (!first || !second || !directory) return limits;
    const now = Number(readText(join(directory, second.file)));
    const wanted = Number(first.value);
    if (wanted < 0 || wanted <= now) return limits;
    return limits.with(memory, second).with(both, first);
  }

  pids(): number[] {
    const path = this.#byController.get("devices") ?? Object.values(this.#paths)[0];
    return path ? pidsBelow(path) : [];
  }

  /** Version 1 has no means for that. */
  killAll(): boolean {
    return false;
  }

  /** The state can stay FREEZING while new processes appear: writing it again moves it on. */
  async freeze(frozen: boolean): Promise<void> {
    const directory = this.#byController.get("freezer");
    if (!directory) throw new Error('pausing needs the cgroup controller "freezer", which is not mounted');
    const path = join(directory, "freezer.state");
    const wanted = frozen ? "FROZEN" : "THAWED";
    for (let tries = 0; tries < 500; tries++) {
      writeFile(path, wanted);
      if (readText(path) === wanted) return;
      await delay(tries < 10 ? 1 : 10);
    }
    writeFile(path, "THAWED");
    throw new Error("the container's processes could not be frozen");
  }

  isFrozen(): boolean {
    const directory = this.#byController.get("freezer");
    return directory !== undefined && readText(join(directory, "freezer.state")).startsWith("FR");
  }

  async remove(): Promise<void> {
    await Promise.all(Object.values(this.#paths).map((path) => removeTree(path)));
  }

  stats(): Record<string, unknown> {
    return statsV1(this.#byController);
  }
}

function makeCpuset(path: string): void {
  makeDirectory(path);
  fillCpuset(path);
}

/**
 * A new cpuset is empty and takes no process: it starts with what the one above it has. That one too may have been made
 * a moment ago by somebody who has not filled it yet; all who fill it write the same.
 */
function fillCpuset(path: string): void {
  const parent = dirname(path);
  for (const name of ["cpuset.cpus", "cpuset.mems"]) {
    const [own, above] = [join(path, name), join(parent, name)];
    if (readText(own) !== "" || !existsSync(above)) continue;
    if (readText(above) === "") fillCpuset(parent);
    writeFile(own, readText(above));
  }
}
