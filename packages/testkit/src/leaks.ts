import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { run } from "./resource.ts";

/** Marks of one stack: the leak check looks at nothing else on the machine. */
export interface LeakScope {
  /** Value of GANTRY_TEST_ID in the environment of the stack's processes. */
  readonly marker: string;
  /** Directories of the stack: mounts below them, and processes started with them as arguments, are its own. */
  readonly paths: readonly string[];
  /** Name of its cgroup, at any place of any hierarchy. */
  readonly cgroupParent: string;
  /** A process in the stack's network and mount namespaces. It is never counted. */
  readonly namespacePid: number;
}

/** Resources of a stack at one moment, as text, by kind. */
export interface LeakSnapshot {
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly interfaces: readonly string[];
  readonly rules: readonly string[];
  readonly processes: readonly string[];
}

export async function snapshot(scope: LeakScope): Promise<LeakSnapshot> {
  return {
    mounts: mountsOf(scope),
    cgroups: cgroupDirectories(scope.cgroupParent),
    interfaces: interfacesOf(scope.namespacePid),
    rules: await rulesOf(scope.namespacePid),
    processes: processesOf(scope).map(({ pid, commandLine }) => `${pid} ${commandLine}`),
  };
}

/** Resources that are there now and were not before: one line each, such as `mount left: /tmp/x (overlay)`; empty when nothing. */
export function checkLeaks(before: Partial<LeakSnapshot>, after: Partial<LeakSnapshot>): string[] {
  const kinds = [
    ["mounts", "mount"],
    ["cgroups", "cgroup"],
    ["interfaces", "interface"],
    ["rules", "iptables rule"],
    ["processes", "process"],
  ] as const;
  return kinds.flatMap(([kind, word]) => {
    const rest = [...(after[kind] ?? [])];
    for (const known of before[kind] ?? []) {
      const at = rest.indexOf(known);
      if (at >= 0) rest.splice(at, 1);
    }
    return rest.map((each) => `${word} left: ${each}`);
  });
}

/** Mounts below the stack's paths, in this mount namespace and in the stack's; bound namespaces (nsfs) are among them. */
function mountsOf(scope: LeakScope): string[] {
  const found = new Set<string>();
  for (const pid of ["self", String(scope.namespacePid)]) {
    for (const line of readOr(`/proc/${pid}/mountinfo`).split("\n")) {
      const point = line.split(" ")[4];
      const type = line.split(" - ")[1]?.split(" ")[0];
      if (point && scope.paths.some((path) => point === path || point.startsWith(`${path}/`))) {
        found.add(`${point} (${type})`);
      }
    }
  }
  return [...found];
}

/** Every cgroup directory of this name and all below it, in every mounted hierarchy. */
export function cgroupDirectories(name: string): string[] {
  const points = readOr("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] as string);
  return [...new Set(points)].flatMap((point) => findDirectories(point, name, 4).flatMap(withAllBelow));
}

function findDirectories(directory: string, name: string, depth: number): string[] {
  if (depth === 0) return [];
  return subdirectories(directory).flatMap((each) =>
    each === name || each === `${name}.slice`
      ? [join(directory, each)]
      : findDirectories(join(directory, each), name, depth - 1),
  );
}

function withAllBelow(directory: string): string[] {
  return [directory, ...subdirectories(directory).flatMap((each) => withAllBelow(join(directory, each)))];
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return []; // removed meanwhile
  }
}

/** Network interfaces of the process's network namespace. */
function interfacesOf(pid: number): string[] {
  return [...readOr(`/proc/${pid}/net/dev`).matchAll(/^\s*([^\s:]+):/gm)].map((match) => match[1] as string);
}

/** All iptables rules of the process's network namespace, without counters; none where there is no iptables. */
async function rulesOf(pid: number): Promise<string[]> {
  const commands = ["/usr/sbin/iptables-save", "/usr/sbin/ip6tables-save"].filter((path) => existsSync(path));
  const saved = await Promise.all(commands.map((command) => run("nsenter", ["-t", String(pid), "-n", command])));
  return saved.flatMap(({ stdout }, at) =>
    [...stdout.matchAll(/^-A .*$/gm)].map((match) => `${at === 0 ? "" : "(IPv6) "}${match[0]}`),
  );
}

/**
 * The stack's processes: by marker, by argument, by cgroup (containers), and by network namespace (proxies have no
 * environment). Not this one, nor the namespaces' holder.
 */
export function processesOf(scope: LeakScope): { pid: number; commandLine: string }[] {
  const own = new Set([process.pid, scope.namespacePid]);
  const network = networkOf(scope.namespacePid);
  const isApart = network !== undefined && network !== networkOf(process.pid);
  const inside = new RegExp(`/${scope.cgroupParent}(\\.slice)?(/|$)`, "m");
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && !own.has(pid))
    .flatMap((pid) => {
      const commandLine = readOr(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
      const marked = `\0${readOr(`/proc/${pid}/environ`)}`.includes(`\0GANTRY_TEST_ID=${scope.marker}\0`);
      const named = scope.paths.some((path) => commandLine.includes(path));
      const contained = inside.test(readOr(`/proc/${pid}/cgroup`));
      const near = isApart && networkOf(pid) === network;
      const alive = (marked || named || contained || near) && !isDead(pid);
      return alive ? [{ pid, commandLine: commandLine || nameOf(pid) }] : [];
    });
}

function networkOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // gone meanwhile
  }
}

function isDead(pid: number): boolean {
  const state = readOr(`/proc/${pid}/stat`).split(") ").at(-1)?.[0];
  return state === undefined || state === "Z" || state === "X";
}

function nameOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return readOr(`/proc/${pid}/comm`).trim();
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone meanwhile, or not to be read
  }
}
