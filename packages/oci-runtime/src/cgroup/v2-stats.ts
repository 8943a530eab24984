import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readNumber, readTable, readText } from "./files.ts";

/** Figures of a version 2 cgroup in the shape of `runc events --stats`. */
export function statsV2(path: string): Record<string, unknown> {
  const file = (name: string) => join(path, name);
  return {
    cpu: { ...cpuStats(readTable(file("cpu.stat"))), ...pressure("psi", file("cpu.pressure")) },
    memory: { ...memoryStats(file), ...pressure("psi", file("memory.pressure")) },
    pids: { current: readNumber(file("pids.current")), limit: finite(readNumber(file("pids.max"))) },
    blkio: { ...blockStats(readText(file("io.stat"))), ...pressure("psi", file("io.pressure")) },
    hugetlb: hugetlbStats(path),
  };
}

/** Nanoseconds each. */
function cpuStats(cpu: Record<string, number>): Record<string, unknown> {
  const nanoseconds = (name: string) => (cpu[name] ?? 0) * 1000;
  return {
    usage: { total: nanoseconds("usage_usec"), kernel: nanoseconds("system_usec"), user: nanoseconds("user_usec") },
    throttling: {
      periods: cpu["nr_periods"] ?? 0,
      throttledPeriods: cpu["nr_throttled"] ?? 0,
      throttledTime: nanoseconds("throttled_usec"),
    },
    burstData: { burstsPeriods: cpu["nr_bursts"] ?? 0, burstTime: nanoseconds("burst_usec") },
  };
}

/** As version 1 does, readers of these figures expect swap to be memory and swap together. */
function memoryStats(file: (name: string) => string): Record<string, unknown> {
  const raw = readTable(file("memory.stat"));
  const usage = {
    limit: readNumber(file("memory.max")),
    usage: readNumber(file("memory.current")),
    max: readNumber(file("memory.peak")),
    failcnt: readTable(file("memory.events"))["max"] ?? 0,
  };
  const swap = { limit: readNumber(file("memory.swap.max")), usage: readNumber(file("memory.swap.current")) };
  return {
    usage,
    swap: {
      limit: Math.min(swap.limit + usage.limit, Number.MAX_SAFE_INTEGER),
      usage: swap.usage + usage.usage,
      max: 0,
      failcnt: readTable(file("memory.swap.events"))["fail"] ?? 0,
    },
    cache: raw["file"] ?? 0,
    raw,
  };
}

/** No limit is 0 in this shape. */
function finite(value: number): number {
  return value === Number.MAX_SAFE_INTEGER ? 0 : value;
}

const blockKeys: Readonly<Record<string, readonly [list: "bytes" | "count", op: string]>> = {
  rbytes: ["bytes", "Read"],
  wbytes: ["bytes", "Write"],
  rios: ["count", "Read"],
  wios: ["count", "Write"],
};

interface BlockEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

/** Lines "8:0 rbytes=1 wbytes=2 rios=3 …". */
export function blockStats(text: string): Record<string, BlockEntry[]> {
  const lists: { bytes: BlockEntry[]; count: BlockEntry[] } = { bytes: [], count: [] };
  for (const line of text.split("\n")) {
    const [device = "", ...pairs] = line.split(" ");
    const [major, minor] = device.split(":").map(Number);
    if (major === undefined || minor === undefined) continue;
    for (const pair of pairs) {
      const [key = "", value] = pair.split("=");
      const [list, op] = blockKeys[key] ?? [];
      if (list && op) lists[list].push({ major, minor, op, value: Number(value) });
    }
  }
  return { ioServiceBytesRecursive: lists.bytes, ioServicedRecursive: lists.count };
}

/** Lines "some avg10=0.00 avg60=0.00 avg300=0.00 total=0": how long processes waited (accounting/psi of the kernel). */
function pressure(name: string, path: string): Record<string, unknown> {
  const text = readText(path);
  if (text === "") return {};
  const kinds = text.split("\n").map((line) => {
    const [kind = "", ...pairs] = line.split(" ");
    return [kind, Object.fromEntries(pairs.map((pair) => [pair.split("=")[0], Number(pair.split("=")[1])]))];
  });
  return { [name]: Object.fromEntries(kinds) };
}

function hugetlbStats(path: string): Record<string, unknown> {
  const sizes = entriesOf(path).map((name) => /^hugetlb\.(\w+)\.current$/.exec(name)?.[1]);
  const stats = sizes
    .filter((size) => size !== undefined)
    .map((size) => {
      const events = readTable(join(path, `hugetlb.${size}.events`));
      return [size, { usage: readNumber(join(path, `hugetlb.${size}.current`)), failcnt: events["max"] ?? 0 }];
    });
  return Object.fromEntries(stats);
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
