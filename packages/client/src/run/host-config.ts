import { readFileSync } from "node:fs";
import type { FlagTable, Parsed } from "@gantry/cli";
import { defined } from "@gantry/cli";
import { fileProblem } from "@gantry/cli/file-problem";
import { terminalSize } from "@gantry/cli/terminal";
import type { HostConfig } from "@gantry/ipc/contracts/engine-types";
import { flagValue } from "../parse/flag-value.ts";
import { parseDevice, parseRestartPolicy, parseUlimit } from "../parse/limits.ts";
import { parseMount } from "../parse/mount.ts";
import { checkDns, parseExtraHost } from "../parse/network.ts";
import { strictPairs } from "../parse/pairs.ts";
import { parsePorts } from "../parse/ports.ts";
import { parseBytes, parseBytesOrUnlimited, parseNanoCpus } from "../parse/size.ts";
import { parseTmpfs, parseVolumes } from "../parse/volumes.ts";
import { createFlags } from "./create-flags.ts";
import type { CreateContext, CreateValues } from "./create-request.ts";

const table: FlagTable = createFlags;

/** The half of a create request that belongs to this host. @throws UsageError or Error of a wrong value */
export function hostConfig({ values, given }: Parsed<typeof createFlags>, { cwd }: CreateContext): HostConfig {
  const ports = parsePorts(values.publish, []).bindings;
  const size = values.tty ? terminalSize() : undefined;
  return defined({
    Binds: list(parseVolumes(values.volume, cwd).binds),
    Mounts: list(each(values.mount, "mount", (text) => parseMount(text, cwd))),
    Tmpfs: record(parseTmpfs(values.tmpfs)),
    PortBindings: record(ports),
    PublishAllPorts: on(values["publish-all"]),
    AutoRemove: on(values.rm),
    Init: given.has("init") ? values.init : undefined,
    Runtime: values.runtime,
    RestartPolicy: values.restart === undefined ? undefined : parseRestartPolicy(values.restart),
    LogConfig: logConfig(values),
    ConsoleSize: size ? ([size.height, size.width] as [number, number]) : undefined,
    ...limits(values),
    ...security(values),
    ...names(values),
  });
}

function limits(values: CreateValues): HostConfig {
  const number = (
    name: "memory" | "memory-reservation" | "memory-swap" | "shm-size" | "cpus",
    read: (text: string) => number,
  ) => {
    const text = values[name];
    return text === undefined ? undefined : flagValue(table, name, text, read);
  };
  return defined({
    Memory: number("memory", parseBytes),
    MemorySwap: number("memory-swap", parseBytesOrUnlimited),
    MemoryReservation: number("memory-reservation", parseBytes),
    ShmSize: number("shm-size", parseBytes),
    NanoCpus: number("cpus", parseNanoCpus),
    CpuShares: values["cpu-shares"],
    CpuPeriod: values["cpu-period"],
    CpuQuota: values["cpu-quota"],
    CpusetCpus: values["cpuset-cpus"],
    CpusetMems: values["cpuset-mems"],
    PidsLimit: values["pids-limit"],
    BlkioWeight: values["blkio-weight"],
    OomScoreAdj: values["oom-score-adj"],
    CgroupParent: values["cgroup-parent"],
    Ulimits: list(each(values.ulimit, "ulimit", parseUlimit)),
    Devices: list(each(values.device, "device", parseDevice)),
  });
}

function security(values: CreateValues): HostConfig {
  return defined({
    Privileged: on(values.privileged),
    ReadonlyRootfs: on(values["read-only"]),
    CapAdd: list(values["cap-add"]),
    CapDrop: list(values["cap-drop"]),
    GroupAdd: list(values["group-add"]),
    SecurityOpt: list(values["security-opt"].map(securityOption)),
    Sysctls: record(strictPairs(values.sysctl, "sysctl")),
    PidMode: values.pid,
    IpcMode: values.ipc,
    UTSMode: values.uts,
  });
}

function names(values: CreateValues): HostConfig {
  return defined({
    Dns: list(each(values.dns, "dns", checkDns)),
    DnsSearch: list(values["dns-search"]),
    DnsOptions: list(values["dns-option"]),
    ExtraHosts: list(each(values["add-host"], "add-host", parseExtraHost)),
  });
}

function logConfig(values: CreateValues): HostConfig["LogConfig"] | undefined {
  const options = strictPairs(values["log-opt"], "log option");
  if (values["log-driver"] === undefined && values["log-opt"].length === 0) return undefined;
  // The engine's default driver is not named in the request.
  return { Type: values["log-driver"] ?? "", Config: options };
}

/** A seccomp profile is a file of this machine, so the request carries its text. @throws Error */
function securityOption(text: string): string {
  const [name, value] = [text.replace(/[=:].*$/s, ""), text.slice(text.search(/[=:]/) + 1)];
  if (name === "no-new-privileges" || text === "no-new-privileges") return text;
  if (name === text) throw new Error(`invalid --security-opt: "${text}"`);
  if (name !== "seccomp" || value === "unconfined" || value === "builtin") return text;
  let profile: string;
  try {
    profile = readFileSync(value, "utf8");
  } catch (error) {
    throw new Error(`opening seccomp profile (${value}) failed: open ${value}: ${fileProblem(error)}`);
  }
  try {
    return `seccomp=${JSON.stringify(JSON.parse(profile))}`;
  } catch (error) {
    throw new Error(`compacting json for seccomp profile (${value}) failed: ${(error as Error).message}`);
  }
}

function each<T>(texts: readonly string[], name: string, read: (text: string) => T): T[] {
  return texts.map((text) => flagValue(table, name, text, read));
}

function on(value: boolean): true | undefined {
  return value ? true : undefined;
}

function list<T>(items: T[]): T[] | undefined {
  return items.length > 0 ? items : undefined;
}

function record<T extends object>(object: T): T | undefined {
  return Object.keys(object).length > 0 ? object : undefined;
}
