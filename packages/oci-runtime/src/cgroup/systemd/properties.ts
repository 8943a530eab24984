import { type DeviceRule, parseIdList } from "@gantry/oci-spec/runtime";
import { deviceAccess } from "../device-access.ts";

/** A property of a unit: its name, the D-Bus signature of its value, and the value. */
export type Property = readonly [name: string, signature: string, value: unknown];

/** A limit as the file that it is written to and the value. */
interface FileLimit {
  readonly file: string;
  readonly value: string;
}

const infinity = 2n ** 64n - 1n;

/**
 * Limits as properties of a unit: systemd may undo limits that it does not know when it reloads. A limit without a
 * property is set in the cgroup's files alone. Pure.
 * @param version of systemd
 */
export function limitProperties(limits: readonly FileLimit[], version: number): Property[] {
  const properties = limits.flatMap(({ file, value }) => propertiesOf(file, value, version));
  return [...properties, ...quotaVersionOne(limits, version)];
}

function propertiesOf(file: string, value: string, version: number): Property[] {
  const name = numbers[file];
  if (name) return [[name, "t", value === "max" || value.startsWith("-") ? infinity : BigInt(value)]];
  if (file === "cpu.max") {
    const [quota = "max", period = "100000"] = value.split(" ");
    return quotaProperties(quota === "max" ? -1 : Number(quota), Number(period), version);
  }
  if (file === "cpu.idle" && value === "1" && version >= 252) return [["CPUWeight", "t", 0n]];
  if ((file === "cpuset.cpus" || file === "cpuset.mems") && version >= 244)
    return [[file === "cpuset.cpus" ? "AllowedCPUs" : "AllowedMemoryNodes", "ay", bitmask(value)]];
  return [];
}

const numbers: Readonly<Record<string, string>> = {
  "memory.max": "MemoryMax",
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.min": "MemoryMin",
  "memory.swap.max": "MemorySwapMax",
  "cpu.weight": "CPUWeight",
  "pids.max": "TasksMax",
  "memory.limit_in_bytes": "MemoryLimit",
  "cpu.shares": "CPUShares",
  "blkio.bfq.weight": "BlockIOWeight",
};

function quotaVersionOne(limits: readonly FileLimit[], version: number): Property[] {
  const value = (file: string) => limits.find((limit) => limit.file === file)?.value;
  const quota = value("cpu.cfs_quota_us");
  return quota === undefined
    ? []
    : quotaProperties(Number(quota), Number(value("cpu.cfs_period_us") ?? 100_000), version);
}

/** systemd keeps quotas in steps of 10 ms a second: the next higher one, and the files have the exact one. */
function quotaProperties(quota: number, period: number, version: number): Property[] {
  const perSecond = quota <= 0 ? infinity : BigInt(Math.ceil((quota * 1_000_000) / period / 10_000) * 10_000);
  const properties: Property[] = [["CPUQuotaPerSecUSec", "t", perSecond]];
  return version >= 242 ? [...properties, ["CPUQuotaPeriodUSec", "t", BigInt(period)]] : properties;
}

/** "0-2,4" as bits, the lowest first. */
function bitmask(list: string): Buffer {
  const ids = parseIdList(list) ?? [];
  const mask = Buffer.alloc(Math.floor(Math.max(0, ...ids) / 8) + 1);
  for (const id of ids) mask[id >> 3] = (mask[id >> 3] ?? 0) | (1 << (id & 7));
  return mask;
}

/**
 * Device rules as systemd keeps them: a list of allowed devices only. Undefined for rules that it cannot express:
 * those that deny part of what they allowed, or allow a whole major number that /proc/devices has no name for.
 * @param names from /proc/devices: "char 136" is "pts"
 */
export function deviceProperties(
  rules: readonly DeviceRule[],
  names: ReadonlyMap<string, string>,
): Property[] | undefined {
  const [first, ...rest] = rules;
  if (!first || first.allow || (first.type && first.type !== "a")) return undefined;
  const allowed: [string, string][] = [];
  for (const rule of rest) {
    const { allow, type, major, minor } = rule;
    const access = deviceAccess(rule);
    if (access === "") continue;
    if (!allow || (type !== "c" && type !== "b")) return undefined;
    const kind = type === "c" ? "char" : "block";
    const any = (number: number | undefined) => number === undefined || number < 0;
    const name = any(major) ? "*" : names.get(`${kind} ${major}`);
    if (any(major) && !any(minor)) return undefined;
    if (any(minor) && name === undefined) return undefined;
    allowed.push([any(minor) ? `${kind}-${name}` : `/dev/${kind}/${major}:${minor}`, access]);
  }
  return [
    ["DevicePolicy", "s", "strict"],
    ["DeviceAllow", "a(ss)", allowed],
  ];
}

/** Names of major numbers from the text of /proc/devices. */
export function deviceNames(text: string): Map<string, string> {
  const names = new Map<string, string>();
  let kind = "char";
  for (const line of text.split("\n")) {
    if (line.startsWith("Block")) kind = "block";
    const match = /^ *(\d+) (\S+)$/.exec(line);
    if (match?.[2] && !names.has(`${kind} ${match[1]}`)) names.set(`${kind} ${match[1]}`, match[2]);
  }
  return names;
}
