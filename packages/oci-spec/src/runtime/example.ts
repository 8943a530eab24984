import { defaultReadonlyPaths } from "./defaults.ts";
import type { Mount, Namespace, Spec } from "./types.ts";

/** Where a configuration is to be used. */
export interface ExampleTarget {
  /** The host has cgroups of version 2 only: containers get a cgroup namespace, as runc's do. */
  readonly pureCgroup2: boolean;
  /** The user without root that it is for. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

/** A configuration to start from, a shell in a terminal: field for field what runc 1.5 writes on such a host. */
export function exampleSpec({ pureCgroup2, user }: ExampleTarget): Spec {
  const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  return {
    ociVersion: "1.3.0",
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "runc",
    mounts: user ? mounts.map(rootlessMount) : [...mounts],
    linux: {
      ...(user
        ? {
            uidMappings: [{ containerID: 0, hostID: user.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: user.gid, size: 1 }],
          }
        : { resources: { devices: [{ allow: false, access: "rwm" }] } }),
      namespaces: namespacesFor(pureCgroup2, user !== undefined),
      maskedPaths: [...maskedPaths],
      readonlyPaths: [...defaultReadonlyPaths],
    },
  };
}

function namespacesFor(pureCgroup2: boolean, rootless: boolean): Namespace[] {
  return [
    { type: "pid" },
    ...(rootless ? [] : [{ type: "network" } as const]),
    { type: "ipc" },
    { type: "uts" },
    { type: "mount" },
    ...(pureCgroup2 ? [{ type: "cgroup" } as const] : []),
    ...(rootless ? [{ type: "user" } as const] : []),
  ];
}

const maskedPaths: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];

const mounts: readonly Mount[] = [
  { destination: "/proc", type: "proc", source: "proc" },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
  },
];

/** Without a network namespace sysfs cannot be mounted, and the group of terminals has no number. */
function rootlessMount(mount: Mount): Mount {
  if (mount.type === "sysfs")
    return { destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"] };
  if (mount.type !== "devpts") return mount;
  return { ...mount, options: (mount.options ?? []).filter((option) => !option.startsWith("gid=")) };
}
