import { join } from "node:path/posix";
import { readNumber, readTable, readText } from "./files.ts";

/** Figures of a version 2 cgroup in the shape of `runc events --stats`. */
export function statsV2(path: string): Record<string, unknown> {
  const file = (name: string) => join(path, name);
  const cpu = readTable(file("cpu.stat"));
  const raw = readTable(file("memory.stat"));
  const nanoseconds = (name: string) => (cpu[name] ?? 0) * 1000;
  return {
    cpu: {
      usage: { total: nanoseconds("usage_usec"), kernel: nanoseconds("system_usec"), user: nanoseconds("user_usec") },
      throttling: {
        periods: cpu["nr_periods"] ?? 0,
        throttledPeriods: cpu["nr_throttled"] ?? 0,
        throttledTime: nanoseconds("throttled_usec"),
      },
    },
    memory: {
      usage: {
        limit: readNumber(file("memory.max")),
        usage: readNumber(file("memory.current")),
        max: readNumber(file("memory.peak")),
        failcnt: readTable(file("memory.events"))["max"] ?? 0,
      },
      swap: { limit: readNumber(file("memory.swap.max")), usage: readNumber(file("memory.swap.current")) },
      cache: raw["file"] ?? 0,
      raw,
    },
    pids: { current: readNumber(file("pids.current")), limit: readNumber(file("pids.max")) },
    blkio: { ioServiceBytesRecursive: blockEntries(file("io.stat")) },
  };
}

/** Lines "8:0 rbytes=1 wbytes=2 …". */
function blockEntries(path: string): { major: number; minor: number; op: string; value: number }[] {
  const entries = [];
  for (const line of readText(path).split("\n")) {
    const [device = "", ...pairs] = line.split(" ");
    const [major, minor] = device.split(":").map(Number);
    for (const pair of pairs) {
      const [key, value] = pair.split("=");
      const op = key === "rbytes" ? "Read" : key === "wbytes" ? "Write" : undefined;
      if (op && major !== undefined && minor !== undefined) entries.push({ major, minor, op, value: Number(value) });
    }
  }
  return entries;
}
