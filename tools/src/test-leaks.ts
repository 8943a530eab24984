import { execFile } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";

/** In the environment of every test file and of all that it starts. */
export const runVariable = "GANTRY_TEST_RUN";

/** Resources of a machine that tests may leave behind, by kind, at one moment. */
export interface MachineState {
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  /** Network namespaces of processes and of mounts, each with a process or path that shows it. */
  readonly namespaces: readonly string[];
  readonly interfaces: readonly string[];
  readonly rules: readonly string[];
  /** Processes of this run of the tests. */
  readonly processes: readonly string[];
}

export async function machineState(run: string): Promise<MachineState> {
  return {
    mounts: mountPoints(),
    cgroups: cgroupMounts().flatMap((mount) =>
      directoriesBelow(mount).filter((path) => !lastingParents.has(relative(mount, path))),
    ),
    namespaces: boundNamespaces(),
    interfaces: readdirSync("/sys/class/net"),
    rules: (await Promise.all(["iptables-save", "ip6tables-save"].map(firewallRules))).flat(),
    processes: processesOf(run),
  };
}

/**
 * Cgroups that daemons keep above their containers' own, whether there are any or not: those of dockerd and podman, and
 * those of namespaces (containerd's and the supervisor's). Only what is below them counts.
 */
const lastingParents: ReadonlySet<string> = new Set([
  "docker",
  "libpod_parent",
  "libpod_parent/conmon",
  "default",
  "gantry",
]);

const kinds: Readonly<Record<keyof MachineState, string>> = {
  mounts: "mount",
  cgroups: "cgroup",
  namespaces: "namespace",
  interfaces: "interface",
  rules: "firewall rule",
  processes: "process",
};

/** The resources that `after` has and `before` lacks, each by kind and name. */
export function leftBehind(before: MachineState, after: MachineState): string[] {
  return (Object.keys(kinds) as (keyof MachineState)[]).flatMap((kind) => {
    const known = new Set(before[kind]);
    return after[kind].filter((name) => !known.has(name)).map((name) => `${kinds[kind]} ${name}`);
  });
}

function mountPoints(): string[] {
  return mountTable().map(({ point, type }) => `${point} (${type})`);
}

function cgroupMounts(): string[] {
  return [...new Set(mountTable().flatMap(({ point, type }) => (/^cgroup2?$/.test(type) ? [point] : [])))];
}

/** Namespaces that a mount keeps: those that processes alone keep go with the processes. */
function boundNamespaces(): string[] {
  return mountTable().flatMap(({ root, point, type }) => (type === "nsfs" ? [`${root} at ${point}`] : []));
}

function mountTable(): { root: string; point: string; type: string }[] {
  return lines(readFileSync("/proc/self/mountinfo", "utf8")).map((line) => {
    const [, , , root = "", point = ""] = line.split(" ");
    return { root, point, type: line.split(" - ")[1]?.split(" ")[0] ?? "" };
  });
}

function directoriesBelow(directory: string): string[] {
  return entriesOf(directory).flatMap((path) => [path, ...directoriesBelow(path)]);
}

function entriesOf(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  } catch {
    return []; // removed meanwhile
  }
}

/** Rules without their counters; none where the command is missing. */
async function firewallRules(command: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(command).catch(() => ({ stdout: "" }));
  return lines(stdout)
    .filter((line) => line.startsWith("-A"))
    .map((line) => `${line} (${command})`);
}

function processesOf(run: string): string[] {
  const mark = `\0${runVariable}=${run}\0`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        if (!`\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(mark)) return [];
        return [`${pid} ${readlinkSync(`/proc/${pid}/exe`)}`];
      } catch {
        return []; // ended meanwhile
      }
    });
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
