import { existsSync, readFileSync, statfsSync } from "node:fs";
import { capabilitiesOfMask } from "@gantry/native-sys";
import type { HostFacts } from "../spec/build.ts";

const CGROUP2_MAGIC = 0x63677270;
const cgroups = "/sys/fs/cgroup";

/** Reads the properties of this host. */
export function readHostFacts(): HostFacts {
  const cgroupVersion = isCgroup2() ? 2 : 1;
  return {
    arch: process.arch,
    cgroupVersion,
    swapLimit: cgroupVersion === 2 || existsSync(`${cgroups}/memory/memory.memsw.limit_in_bytes`),
    capabilities: ownCapabilities(),
  };
}

function isCgroup2(): boolean {
  try {
    return statfsSync(cgroups).type === CGROUP2_MAGIC;
  } catch {
    return false;
  }
}

/** The bounding set: the most that a child process can have. */
function ownCapabilities(): string[] {
  const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return capabilitiesOfMask(mask);
}
