import { existsSync } from "node:fs";
import { join } from "node:path/posix";
import type { Resources } from "@gantry/oci-spec/runtime";
import { readNumber, setLimit } from "./files.ts";
import { checkMemory } from "./memory-check.ts";
import { enforcesDevices } from "./resources.ts";
import type { LimitContext } from "./types.ts";
import { type Limit, limitsV1 } from "./v1-limits.ts";

/** The container's directory by controller. */
type Directories = ReadonlyMap<string, string>;

/** Sets limits of version 1. @throws Error naming the limit and the file */
export function applyV1(directories: Directories, resources: Resources, context: LimitContext): void {
  const memory = directories.get("memory");
  if (resources.memory?.checkBeforeUpdate && memory)
    checkMemory(resources.memory, readNumber(join(memory, "memory.usage_in_bytes")));
  const { devices = [], ...rest } = resources;
  const limits = limitsV1({ ...rest, devices: enforcesDevices(context) ? devices : [] }, context.warn);
  applyAll(withSwap(limits, memory), (limit) => apply(limit, directories.get(limit.controller), context));
}

/** Files whose values limit each other: which can be written first depends on their values now and those of the parent. */
const mutual = new Set([
  ...["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"],
  ...["cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.cfs_burst_us"],
  ...["cpu.rt_period_us", "cpu.rt_runtime_us"],
]);

/** One that the kernel refuses because of another is written again after the others, as long as that gets further. */
function applyAll(limits: readonly Limit[], write: (limit: Limit) => void): void {
  for (let left = limits; left.length > 0; ) {
    const refused: { limit: Limit; error: unknown }[] = [];
    for (const limit of left)
      try {
        write(limit);
      } catch (error) {
        const { code } = ((error as Error).cause as NodeJS.ErrnoException | undefined) ?? {};
        if (code !== "EINVAL" || !mutual.has(limit.file)) throw error;
        refused.push({ limit, error });
      }
    if (refused.length === left.length) throw refused[0]?.error;
    left = refused.map(({ limit }) => limit);
  }
}

/** Memory without a limit is of no use below a limit of memory and swap together: that one goes with it (as with runc). */
function withSwap(limits: Limit[], directory: string | undefined): Limit[] {
  const memory = limits.find(({ file }) => file === "memory.limit_in_bytes");
  const file = "memory.memsw.limit_in_bytes";
  if (memory?.value !== "-1" || limits.some((limit) => limit.file === file)) return limits;
  return directory && existsSync(join(directory, file)) ? [...limits, { ...memory, file }] : limits;
}

function apply(limit: Limit, directory: string | undefined, context: LimitContext): void {
  const { controller, file, otherwise, value, field, optional } = limit;
  const names = [file, ...(otherwise ? [otherwise] : [])];
  const there = names.find((name) => directory && existsSync(join(directory, name)));
  if (directory && there) setLimit({ path: join(directory, there), value, field }, context);
  else if (!optional && !directory)
    throw new Error(`${field} cannot be set: the cgroup controller "${controller}" is not mounted`);
  else if (!optional) throw new Error(`${field} cannot be set: this kernel has no ${file}`);
  else if (optional !== "silent") context.warn(`${field} is ignored: this kernel has no ${file}`);
}
