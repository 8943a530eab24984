import { dirname } from "node:path/posix";

/** Where version 2 is mounted. */
export const mountpoint = "/sys/fs/cgroup";

/** The cgroups above one of version 2, from the root down. */
export function cgroupsAbove(path: string): string[] {
  const above: string[] = [];
  for (let next = dirname(path); next.startsWith(mountpoint); next = dirname(next)) above.unshift(next);
  return above;
}
