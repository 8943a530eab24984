import { join } from "node:path/posix";
import { readNumber, readTable, readText } from "./files.ts";

/** Figures of version 1 controllers in the shape of `runc events --stats`. */
export function statsV1(directories: ReadonlyMap<string, string>): Record<string, unknown> {
  const file = (controller: string, name: string) => join(directories.get(controller) ?? "/nonexistent", name);
  return {
    cpu: cpuStats(file),
    memory: memoryStats((name) => file("memory", name)),
    pids: {
      current: readNumber(file("pids", "pids.current")),
      ...positive("limit", readNumber(file("pids", "pids.max"))),
    },
    blkio: {
      ioServiceBytesRecursive: blockEntries(file("blkio", "blkio.throttle.io_service_bytes_recursive")),
      ioServicedRecursive: blockEntries(file("blkio", "blkio.throttle.io_serviced_recursive")),
    },
  };
}

function positive(name: string, value: number): Record<string, number> {
  return value > 0 && value < Number.MAX_SAFE_INTEGER ? { [name]: value } : {};
}

/** Nanoseconds each. */
function cpuStats(file: (controller: string, name: string) => string): Record<string, unknown> {
  const throttling = readTable(file("cpu", "cpu.stat"));
  const list = (name: string) => readText(file("cpuacct", name)).split(" ").filter(Boolean).map(Number);
  return {
    usage: {
      total: readNumber(file("cpuacct", "cpuacct.usage")),
      percpu: list("cpuacct.usage_percpu"),
      kernel: readNumber(file("cpuacct", "cpuacct.usage_sys")),
      user: readNumber(file("cpuacct", "cpuacct.usage_user")),
    },
    throttling: {
      periods: throttling["nr_periods"] ?? 0,
      throttledPeriods: throttling["nr_throttled"] ?? 0,
      throttledTime: throttling["throttled_time"] ?? 0,
    },
  };
}

function memoryStats(file: (name: string) => string): Record<string, unknown> {
  const counter = (prefix: string) => ({
    limit: readNumber(file(`${prefix}.limit_in_bytes`)),
    usage: readNumber(file(`${prefix}.usage_in_bytes`)),
    max: readNumber(file(`${prefix}.max_usage_in_bytes`)),
    failcnt: readNumber(file(`${prefix}.failcnt`)),
  });
  const raw = readTable(file("memory.stat"));
  return {
    usage: counter("memory"),
    swap: counter("memory.memsw"),
    kernel: counter("memory.kmem"),
    cache: raw["cache"] ?? 0,
    raw,
  };
}

/** Lines "8:0 Read 4096". */
function blockEntries(path: string): { major: number; minor: number; op: string; value: number }[] {
  const entries = [];
  for (const line of readText(path).split("\n")) {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match)
      entries.push({ major: Number(match[1]), minor: Number(match[2]), op: match[3] ?? "", value: Number(match[4]) });
  }
  return entries;
}
