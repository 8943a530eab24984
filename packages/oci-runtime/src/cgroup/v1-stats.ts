import { join } from "node:path/posix";
import { parseIdList } from "@gantry/oci-spec/runtime";
import { readNumber, readTable, readText } from "./files.ts";

/** Figures of version 1 controllers in the shape of `runc events --stats`. */
export function statsV1(directories: ReadonlyMap<string, string>): Record<string, unknown> {
  const file = (controller: string, name: string) => join(directories.get(controller) ?? "/nonexistent", name);
  return {
    cpu: cpuStats(file),
    cpuset: cpusetStats((name) => file("cpuset", `cpuset.${name}`)),
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

const cpusetFlags = [
  ...["cpu_exclusive", "mem_exclusive", "mem_hardwall", "memory_migrate", "memory_pressure", "memory_spread_page"],
  ...["memory_spread_slab", "sched_load_balance", "sched_relax_domain_level"],
];

function cpusetStats(file: (name: string) => string): Record<string, unknown> {
  const ids = (name: string) => parseIdList(readText(file(name))) ?? [];
  return {
    cpus: ids("cpus"),
    mems: ids("mems"),
    ...Object.fromEntries(cpusetFlags.map((name) => [name, readNumber(file(name))])),
  };
}

/** Nanoseconds each. */
function cpuStats(file: (controller: string, name: string) => string): Record<string, unknown> {
  const throttling = readTable(file("cpu", "cpu.stat"));
  const list = (name: string) => readText(file("cpuacct", name)).split(" ").filter(Boolean).map(Number);
  return {
    usage: {
      total: readNumber(file("cpuacct", "cpuacct.usage")),
      percpu: list("cpuacct.usage_percpu"),
      percpu_kernel: list("cpuacct.usage_percpu_sys"),
      percpu_user: list("cpuacct.usage_percpu_user"),
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
    kernelTCP: counter("memory.kmem.tcp"),
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
