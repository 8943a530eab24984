import { existsSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { setTimeout as delay } from "node:timers/promises";
import type { Resources } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { makeDirectory, pidsBelow, readText, removeTree, writeFile } from "./files.ts";
import type { CgroupManager, CgroupPaths, LimitContext } from "./types.ts";

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

  async apply(resources: Resources, context: LimitContext): Promise<void> {
    const { applyV1 } = await import("./v1-apply.ts");
    applyV1(this.#byController, resources, context);
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

  async stats(): Promise<Record<string, unknown>> {
    const { statsV1 } = await import("./v1-stats.ts");
    return statsV1(this.#byController);
  }
}

function makeCpuset(path: string): void {
  makeDirectory(path);
  fillCpuset(path);
}

/**
 * A new cpuset is empty and takes no process: it is filled from its parent. The parent too may have been made
 * a moment ago by another process that has not filled it yet; all processes write the same values.
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
