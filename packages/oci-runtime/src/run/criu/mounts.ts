import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path/posix";
import type { Spec } from "@gantry/oci-spec/runtime";
import type { CgroupPaths } from "../../cgroup/types.ts";

export interface ExternalMount {
  readonly key: string;
  readonly value: string;
}

interface Mounted {
  /** The directory or file of its file system that is mounted. */
  readonly root: string;
  readonly mountpoint: string;
  readonly type: string;
}

/** The mounts of a process, as /proc/PID/mountinfo has them (proc_pid_mountinfo(5)). */
function mountsOf(pid: number): Mounted[] {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, "utf8").trim().split("\n");
  return lines.map((line) => {
    const [, , , root = "", mountpoint = ""] = line.split(" ");
    const type = / - (\S+)/.exec(line)?.[1] ?? "";
    return { root: unescaped(root), mountpoint: unescaped(mountpoint), type };
  });
}

function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Mounts of a container that come from the host, by mount point: CRIU takes them as external and does not save them. */
export function externalMountsOf(pid: number, spec: Spec, rootfs: string): ExternalMount[] {
  const bound = new Set((spec.mounts ?? []).filter(isBindOf).map(({ destination }) => placeIn(rootfs, destination)));
  // A masked directory is an empty file system of its own, a masked file is a device out of another one.
  const masked = new Set(spec.linux?.maskedPaths ?? []);
  // Without a namespace of cgroups it sees its part of the host's tree.
  const ownCgroups = (spec.linux?.namespaces ?? []).some(({ type }) => type === "cgroup");
  const isExternal = ({ mountpoint, type, root }: Mounted) =>
    bound.has(mountpoint) || (masked.has(mountpoint) && root !== "/") || (/^cgroup2?$/.test(type) && !ownCgroups);
  const places = mountsOf(pid)
    .filter(isExternal)
    .map(({ mountpoint }) => mountpoint);
  return [...new Set(places)].map((place) => ({ key: place, value: place }));
}

/** Where they come from, for a container that is restored from a bundle. */
export function externalMountsFor(spec: Spec, rootfs: string, cgroups: CgroupPaths): ExternalMount[] {
  const mounts = spec.mounts ?? [];
  const binds = mounts.filter(isBindOf).map(({ destination, source = "" }) => ({
    key: placeIn(rootfs, destination),
    value: source,
  }));
  const hierarchies = mounts
    .filter(({ type }) => type === "cgroup")
    .flatMap(({ destination }) =>
      Object.entries(cgroups).map(([name, path]) => ({
        // The one tree of version 2 is the mount itself.
        key: Object.keys(cgroups).length > 1 ? join(destination, name) : destination,
        value: path,
      })),
    );
  const masked = (spec.linux?.maskedPaths ?? []).map((path) => ({ key: path, value: "/dev/null" }));
  return [...binds, ...hierarchies, ...masked];
}

function isBindOf({ type, options = [] }: NonNullable<Spec["mounts"]>[number]): boolean {
  return type === "bind" || options.includes("bind") || options.includes("rbind");
}

/** A path of the container with its links followed, as the kernel shows it there. */
function placeIn(root: string, path: string): string {
  try {
    const place = realpathSync(join(root, path));
    const base = realpathSync(root);
    return place.startsWith(`${base}/`) ? place.slice(base.length) : join("/", path);
  } catch {
    return join("/", path);
  }
}
