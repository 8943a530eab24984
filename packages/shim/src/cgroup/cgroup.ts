import { readFileSync } from "node:fs";

const mountPoint = "/sys/fs/cgroup";

/** A container's cgroup on the host (cgroups(7)). */
export interface Cgroup {
  readonly version: 1 | 2;
  /** The directory of a version 1 controller, or of all there are in version 2; undefined where it is not mounted. */
  directory(controller: string): string | undefined;
}

/** The cgroup of a process; undefined when the process has ended. */
export function cgroupOf(pid: number): Cgroup | undefined {
  try {
    return parseCgroup(readFileSync(`/proc/${pid}/cgroup`, "latin1"));
  } catch {
    return undefined;
  }
}

/** Lines of /proc/PID/cgroup are `hierarchy:controllers:path`; version 2's is `0::path`, hybrid machines have both. */
export function parseCgroup(text: string): Cgroup {
  const directories = new Map<string, string>();
  let unified: string | undefined;
  for (const line of text.split("\n")) {
    const [hierarchy, controllers = "", ...rest] = line.split(":");
    const path = rest.join(":");
    if (hierarchy === "0") unified = path;
    else
      for (const controller of controllers.split(","))
        directories.set(controller, `${mountPoint}/${controller}${path}`);
  }
  const isV1 = directories.has("memory") || directories.has("cpu") || directories.has("pids");
  if (isV1) return { version: 1, directory: (controller) => directories.get(controller) };
  const directory = unified === undefined ? undefined : `${mountPoint}${unified}`;
  return { version: 2, directory: () => directory };
}
