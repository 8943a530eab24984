import type { ContainerConfig, HostConfig } from "@gantry/ipc/contracts/engine-types";
import type { Linux, Process, Rlimit, Spec } from "@gantry/oci-spec/runtime";
import { defaultMaskedPaths, defaultReadonlyPaths } from "@gantry/oci-spec/runtime";
import { containerCapabilities } from "./capabilities.ts";
import type { ContainerDevices } from "./devices.ts";
import { containerEnvironment } from "./environment.ts";
import { containerMounts, initDestination, type MountPoint, type NetworkFiles } from "./mounts.ts";
import { containerNamespaces, containerOf, type NamespaceChoice } from "./namespaces.ts";
import { containerResources } from "./resources.ts";
import { containerSeccomp, parseSecurityOptions } from "./security.ts";

/** Properties of the host that a container's spec depends on. */
export interface HostFacts {
  /** As process.arch. */
  readonly arch: string;
  readonly cgroupVersion: 1 | 2;
  /** The kernel accounts for swap per cgroup. */
  readonly swapLimit: boolean;
  readonly capabilities: readonly string[];
}

export interface SpecInput {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly hostname: string;
  readonly points: readonly MountPoint[];
  readonly files: NetworkFiles;
  readonly namespaces: NamespaceChoice;
  /** The source of /dev/shm; see MountInput. */
  readonly shm: number | "none" | { readonly bind: string };
  readonly devices: ContainerDevices;
  /** Parent of the container's cgroup, as a name below each hierarchy's root. */
  readonly cgroupParent: string;
  /** Set for a container with an init process. */
  readonly initPath?: string;
  readonly additionalGids: readonly number[];
  readonly facts: HostFacts;
}

/** config.json of a container; a pure function of its input. The supervisor fills in the user once the root file system is mounted. */
export function buildSpec(input: SpecInput): Spec {
  const { config, host } = input;
  const utsOwn = input.namespaces.uts === "";
  return {
    ociVersion: "1.2.0",
    root: { path: "rootfs", readonly: host.ReadonlyRootfs ?? false },
    process: containerProcess(input),
    ...(utsOwn ? { hostname: input.hostname } : {}),
    ...(utsOwn && config.Domainname ? { domainname: config.Domainname } : {}),
    mounts: containerMounts({
      points: input.points,
      files: input.files,
      privileged: host.Privileged ?? false,
      readonlyRootfs: host.ReadonlyRootfs ?? false,
      shm: input.shm,
      ...(input.initPath ? { initPath: input.initPath } : {}),
    }),
    linux: containerLinux(input),
  };
}

function containerProcess(input: SpecInput): Process {
  const { config, host } = input;
  const names = capabilityNamesOf(input);
  const tty = config.Tty ?? false;
  const size = host.ConsoleSize;
  const rlimits = (host.Ulimits ?? []).map(toRlimit);
  return {
    terminal: tty,
    ...(tty && size && size[0] > 0 && size[1] > 0 ? { consoleSize: { height: size[0], width: size[1] } } : {}),
    user: {
      uid: 0,
      gid: 0,
      ...(input.additionalGids.length > 0 ? { additionalGids: [...input.additionalGids] } : {}),
    },
    args: containerArguments(input),
    env: containerEnvironment(input.hostname, tty, config.Env ?? []),
    cwd: config.WorkingDir || "/",
    capabilities: { bounding: names, effective: names, permitted: names },
    ...(rlimits.length > 0 ? { rlimits } : {}),
    noNewPrivileges: parseSecurityOptions(host.SecurityOpt ?? []).noNewPrivileges,
    ...(host.OomScoreAdj ? { oomScoreAdj: host.OomScoreAdj } : {}),
  };
}

function capabilityNamesOf({ host, facts }: SpecInput): string[] {
  return containerCapabilities({
    privileged: host.Privileged ?? false,
    add: host.CapAdd ?? [],
    drop: host.CapDrop ?? [],
    available: facts.capabilities,
  });
}

function containerArguments({ config, initPath }: SpecInput): string[] {
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return initPath ? [initDestination, "--", ...command] : command;
}

function toRlimit(limit: { Name: string; Soft: number; Hard: number }): Rlimit {
  const unlimited = (value: number) => (value < 0 ? Number.MAX_SAFE_INTEGER : value);
  return { type: `RLIMIT_${limit.Name.toUpperCase()}`, soft: unlimited(limit.Soft), hard: unlimited(limit.Hard) };
}

function containerLinux(input: SpecInput): Linux {
  const { host, facts, namespaces, devices } = input;
  const options = parseSecurityOptions(host.SecurityOpt ?? []);
  const open = (host.Privileged ?? false) || options.systemPathsUnconfined;
  const seccomp =
    host.Privileged && options.seccomp === "default"
      ? undefined
      : containerSeccomp(options.seccomp, capabilityNamesOf(input), facts.arch);
  const sysctl = containerSysctls(host, namespaces);
  return {
    ...(Object.keys(sysctl).length > 0 ? { sysctl } : {}),
    resources: { devices: devices.rules, ...containerResources(host, facts.swapLimit) },
    cgroupsPath: `/${(host.CgroupParent || input.cgroupParent).replace(/^\/+/, "")}/${input.id}`,
    namespaces: containerNamespaces(namespaces),
    ...(devices.devices.length > 0 ? { devices: devices.devices } : {}),
    ...(seccomp ? { seccomp } : {}),
    rootfsPropagation: rootPropagation(input.points),
    maskedPaths: open ? [] : [...defaultMaskedPaths],
    readonlyPaths: open ? [] : [...defaultReadonlyPaths],
  };
}

const openNetworkSysctls = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};

/** Unprivileged processes may open low ports and send ICMP echoes in a network of their own, as with Docker. */
function containerSysctls(host: HostConfig, namespaces: NamespaceChoice): Record<string, string> {
  const ownNetwork = namespaces.network !== "host" && containerOf(host.NetworkMode) === undefined;
  return { ...(ownNetwork ? openNetworkSysctls : {}), ...host.Sysctls };
}

/** Mounts propagate only where the root's own propagation allows it. */
function rootPropagation(points: readonly MountPoint[]): string {
  const modes = points.map((point) => point.Propagation);
  if (modes.some((mode) => mode === "shared" || mode === "rshared")) return "rshared";
  if (modes.some((mode) => mode === "slave" || mode === "rslave")) return "rslave";
  return "rprivate";
}
