import type { Mount } from "@gantry/oci-spec/runtime";
import { defaultMounts } from "@gantry/oci-spec/runtime";

/** A mount of a container, as inspect shows it, with the settings that create it. */
export interface MountPoint {
  readonly Type: "bind" | "volume" | "tmpfs";
  /** Volume name; absent for others. */
  readonly Name?: string;
  /** Path on the host; empty for tmpfs. */
  readonly Source: string;
  readonly Destination: string;
  readonly Driver?: string;
  /** Options as given after the second colon. */
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
  /** Bind without the mounts below it. */
  readonly NonRecursive?: boolean;
  /** tmpfs options, such as size=64m. */
  readonly TmpfsOptions?: readonly string[];
  /** Leave an empty volume empty. */
  readonly NoCopy?: boolean;
  /** The volume has no name of its own and is removed with the container. */
  readonly Anonymous?: boolean;
}

/** The engine's files that are mounted below /etc of every container. */
export interface NetworkFiles {
  readonly resolvConf: string;
  readonly hostname: string;
  readonly hosts: string;
}

export interface MountInput {
  readonly points: readonly MountPoint[];
  readonly files: NetworkFiles;
  readonly privileged: boolean;
  readonly readonlyRootfs: boolean;
  /** Bytes of /dev/shm; "none" for no mount, or a directory to bind. */
  readonly shm: number | "none" | { readonly bind: string };
  /** The init program on the host. */
  readonly initPath?: string;
}

export const initDestination = "/sbin/docker-init";

/** The mounts of a container, parents before children. */
export function containerMounts(input: MountInput): Mount[] {
  const own = new Set(input.points.map((point) => point.Destination));
  const system = defaultMounts()
    .map((mount) => systemMount(mount, input))
    .filter((mount): mount is Mount => mount !== undefined && !own.has(mount.destination));
  const files = fileMounts(input).filter((mount) => !own.has(mount.destination));
  const points = [...files, ...input.points.map(pointMount)].sort((a, b) => depth(a) - depth(b));
  const init: Mount[] = input.initPath
    ? [{ destination: initDestination, type: "bind", source: input.initPath, options: ["rbind", "ro"] }]
    : [];
  return [...system, ...points, ...init];
}

function depth(mount: Mount): number {
  return mount.destination.split("/").filter(Boolean).length;
}

function systemMount(mount: Mount, input: MountInput): Mount | undefined {
  const { destination, options = [] } = mount;
  if (destination === "/dev/shm") return shmMount(mount, input);
  const controls = destination === "/sys" || destination === "/sys/fs/cgroup";
  if (input.privileged && controls)
    return { ...mount, options: options.map((option) => (option === "ro" ? "rw" : option)) };
  return mount;
}

function shmMount(mount: Mount, input: MountInput): Mount | undefined {
  if (input.shm === "none") return undefined;
  if (typeof input.shm === "object") {
    const options = ["rbind", "rprivate", "nosuid", "noexec", "nodev"];
    return { destination: "/dev/shm", type: "bind", source: input.shm.bind, options };
  }
  return { ...mount, options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${input.shm}`] };
}

function fileMounts(input: MountInput): Mount[] {
  const { files } = input;
  const pairs = [
    ["/etc/resolv.conf", files.resolvConf],
    ["/etc/hostname", files.hostname],
    ["/etc/hosts", files.hosts],
  ] as const;
  const options = ["rbind", "rprivate", ...(input.readonlyRootfs ? ["ro"] : [])];
  return pairs
    .filter(([, source]) => source !== "")
    .map(([destination, source]) => ({ destination, type: "bind", source, options }));
}

function pointMount(point: MountPoint): Mount {
  if (point.Type === "tmpfs") {
    const options = ["noexec", "nosuid", "nodev", ...(point.TmpfsOptions ?? [])];
    return { destination: point.Destination, type: "tmpfs", source: "tmpfs", options: tmpfsOptions(options) };
  }
  const options = [point.NonRecursive ? "bind" : "rbind", point.Propagation || "rprivate", ...(point.RW ? [] : ["ro"])];
  return { destination: point.Destination, type: "bind", source: point.Source, options };
}

/** A later option removes its opposite: "exec" removes "noexec". */
function tmpfsOptions(options: readonly string[]): string[] {
  const result: string[] = [];
  for (const option of options) {
    const opposite = option.startsWith("no")
      ? option.slice(2)
      : option === "rw"
        ? "ro"
        : option === "ro"
          ? "rw"
          : `no${option}`;
    const at = result.indexOf(opposite);
    if (at >= 0) result.splice(at, 1);
    if (!result.includes(option)) result.push(option);
  }
  return result.filter((option) => !["exec", "suid", "dev", "rw"].includes(option));
}
