import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path/posix";
import { lazy } from "./lazy.ts";

/** One cgroup tree as it is mounted here. */
export interface Hierarchy {
  /** "memory", "cpu,cpuacct", "systemd", "unified"; on a pure version 2 host "unified" is the only one. */
  readonly name: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly mountpoint: string;
  /** The options that mount this hierarchy again. */
  readonly mountOptions: readonly string[];
}

/** The facts about the host that a plan depends on, as plain data. */
export interface Facts {
  readonly kernel: string;
  /** Node's name of the processor. */
  readonly arch: string;
  /** Number of the last capability that this kernel knows. */
  readonly lastCapability: number;
  /** The runtime's own capabilities, a mask in hexadecimal digits. */
  readonly permittedCapabilities: string;
  readonly cgroup: { readonly mode: "v1" | "hybrid" | "v2" | "none"; readonly hierarchies: readonly Hierarchy[] };
  /** The runtime's own cgroup of version 2, from the root. */
  readonly ownCgroup: string;
  readonly apparmor: boolean;
  readonly selinux: boolean;
  /** The kernel shows its memory in /proc/kcore. */
  readonly kcore: boolean;
  /** Where the file system of Intel's resource control is mounted. */
  readonly resctrl: string | undefined;
  /** The runtime's own effective ids. */
  readonly uid: number;
  readonly gid: number;
  /** Runs as root of some user namespace. */
  readonly privileged: boolean;
  /** Runs in a user namespace that is not the host's first. */
  readonly inUserNamespace: boolean;
}

/** The facts of this host, each read on first use. */
export function readFacts(): Facts {
  return lazy<Facts>({
    kernel: () => readText("/proc/sys/kernel/osrelease").trim(),
    arch: () => process.arch,
    lastCapability: () => Number(readText("/proc/sys/kernel/cap_last_cap")),
    permittedCapabilities: () => /^CapPrm:\s*([0-9a-f]+)$/m.exec(readText("/proc/self/status"))?.[1] ?? "0",
    cgroup: () => parseCgroups(readText("/proc/self/mountinfo")),
    ownCgroup: () => /^0::(\/.*)$/m.exec(readText("/proc/self/cgroup"))?.[1] ?? "/",
    resctrl: () => /^\S+ \S+ \S+ \S+ (\S+) .* - resctrl /m.exec(readText("/proc/self/mountinfo"))?.[1],
    kcore: () => existsSync("/proc/kcore"),
    uid: () => process.geteuid?.() ?? 0,
    gid: () => process.getegid?.() ?? 0,
    apparmor: () => readText("/sys/module/apparmor/parameters/enabled").startsWith("Y"),
    selinux: () => existsSync("/sys/fs/selinux/enforce"),
    privileged: () => process.geteuid?.() === 0,
    inUserNamespace: () => !/^\s*0\s+0\s+4294967295\s*$/.test(readText("/proc/self/uid_map")),
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const notControllers = new Set(["rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods"]);

/** Finds the hierarchies below /sys/fs/cgroup in the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function parseCgroups(mountinfo: string): Facts["cgroup"] {
  const found = new Map<string, Hierarchy>();
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [type = "", , options = ""] = after.split(" ");
    const mountpoint = before.split(" ")[4] ?? "";
    if (!mountpoint.startsWith("/sys/fs/cgroup")) continue;
    if (type === "cgroup2")
      found.set(mountpoint, { name: "unified", version: 2, controllers: [], mountpoint, mountOptions: [] });
    if (type === "cgroup") found.set(mountpoint, versionOne(mountpoint, options.split(",")));
  }
  const hierarchies = [...found.values()];
  const second = hierarchies.some(({ version }) => version === 2);
  const first = hierarchies.some(({ version }) => version === 1);
  return { mode: first ? (second ? "hybrid" : "v1") : second ? "v2" : "none", hierarchies };
}

function versionOne(mountpoint: string, options: readonly string[]): Hierarchy {
  const named = options.find((option) => option.startsWith("name="));
  const controllers = options.filter((option) => !notControllers.has(option) && !option.includes("="));
  const name = controllers.length > 0 ? controllers.join(",") : (named?.slice(5) ?? basename(mountpoint));
  return { name, version: 1, controllers, mountpoint, mountOptions: named ? ["none", named] : controllers };
}
