import { existsSync } from "node:fs";
import { join } from "node:path/posix";
import type { Resources } from "@gantry/oci-spec/runtime";
import { applyDeviceRules } from "./device-filter.ts";
import { readNumber, readText, setLimit } from "./files.ts";
import { checkMemory } from "./memory-check.ts";
import { enforcesDevices } from "./resources.ts";
import type { LimitContext } from "./types.ts";
import { limitsV2, type PresentLimits, type UnifiedLimit } from "./v2-limits.ts";
import { cgroupsAbove, mountpoint } from "./v2-tree.ts";

/** Sets limits of a cgroup of version 2. @throws Error naming the limit and the file */
export function applyV2(cgroup: string, resources: Resources, context: LimitContext): void {
  if (resources.memory?.checkBeforeUpdate) checkMemory(resources.memory, readNumber(join(cgroup, "memory.current")));
  for (const limit of limitsV2(resources, presentLimits(cgroup), context.warn)) apply(cgroup, limit, context);
  if (resources.devices && enforcesDevices(context)) applyDeviceRules(context.native, cgroup, resources.devices);
}

function presentLimits(cgroup: string): PresentLimits {
  const memory = readText(join(cgroup, "memory.max"));
  return {
    cpuMax: readText(join(cgroup, "cpu.max")),
    burst: readNumber(join(cgroup, "cpu.max.burst")),
    memory: memory === "" || memory === "max" ? undefined : Number(memory),
  };
}

function apply(cgroup: string, { file, value, field, optional, otherwise }: UnifiedLimit, context: LimitContext): void {
  const path = join(cgroup, file);
  if (existsSync(path)) setLimit({ path, value, field }, context);
  else if (otherwise && existsSync(join(cgroup, otherwise.file)))
    setLimit({ path: join(cgroup, otherwise.file), value: otherwise.value, field }, context);
  else if (!optional) throw new Error(`${field} cannot be set: ${whyMissing(cgroup, file)}`);
  else if (optional !== "silent") context.warn(`${field} is ignored: this kernel has no ${file}`);
}

/** A file is there when its controller is passed on all the way down. */
function whyMissing(cgroup: string, file: string): string {
  const controller = file.split(".")[0] ?? "";
  const known = readText(join(mountpoint, "cgroup.controllers")).split(" ");
  if (!known.includes(controller)) return `this machine's cgroup version 2 has no controller "${controller}"`;
  const stops = cgroupsAbove(cgroup).find(
    (path) => !readText(join(path, "cgroup.subtree_control")).split(" ").includes(controller),
  );
  if (!stops) return `this kernel has no ${file}`;
  const busy = stops !== mountpoint && readText(join(stops, "cgroup.procs")) !== "";
  const reason = busy ? ": it has processes of its own, and a cgroup passes controllers on only without any" : "";
  return `the cgroup ${stops} does not pass the controller "${controller}" on${reason}`;
}
