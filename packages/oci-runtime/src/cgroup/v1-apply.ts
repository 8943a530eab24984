import { existsSync } from "node:fs";
import { join } from "node:path/posix";
import type { Resources } from "@gantry/oci-spec/runtime";
import { readNumber, readText, setLimit } from "./files.ts";
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
  for (const limit of inOrder(limits, directories.get("memory")))
    apply(limit, directories.get(limit.controller), context);
}

function apply(limit: Limit, directory: string | undefined, { warn }: LimitContext): void {
  const { controller, file, otherwise, value, field, optional } = limit;
  const names = [file, ...(otherwise ? [otherwise] : [])];
  const there = names.find((name) => directory && existsSync(join(directory, name)));
  if (directory && there) setLimit(join(directory, there), value, field);
  else if (!optional && !directory)
    throw new Error(`${field} cannot be set: the cgroup controller "${controller}" is not mounted`);
  else if (!optional) throw new Error(`${field} cannot be set: this kernel has no ${file}`);
  else if (optional !== "silent") warn(`${field} is ignored: this kernel has no ${file}`);
}

/** Memory alone may never be above memory and swap together: when both grow, the latter grows first. */
function inOrder(limits: Limit[], directory: string | undefined): Limit[] {
  const memory = limits.findIndex(({ file }) => file === "memory.limit_in_bytes");
  const both = limits.findIndex(({ file }) => file === "memory.memsw.limit_in_bytes");
  const [first, second] = [limits[memory], limits[both]];
  if (!first || !second || !directory) return limits;
  const now = Number(readText(join(directory, second.file)));
  const wanted = Number(first.value);
  if (wanted < 0 || wanted <= now) return limits;
  return limits.with(memory, second).with(both, first);
}
