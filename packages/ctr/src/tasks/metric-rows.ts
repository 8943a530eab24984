import type { Metrics } from "@gantry/ipc/contracts/common";
import { exactNumber } from "../format/exact-number.ts";

/** Rows of the table: name and path in the document. */
const v1 = [
  ["memory.usage_in_bytes", "memory.usage.usage"],
  ["memory.limit_in_bytes", "memory.usage.limit"],
  ["memory.stat.cache", "memory.cache"],
  ["cpuacct.usage", "cpu.usage.total"],
  ["cpuacct.usage_percpu", "cpu.usage.per_cpu"],
  ["pids.current", "pids.current"],
  ["pids.limit", "pids.limit"],
] as const;
const v2 = [
  ["pids.current", "pids.current"],
  ["pids.limit", "pids.limit"],
  ["cpu.usage_usec", "cpu.usage_usec"],
  ["cpu.user_usec", "cpu.user_usec"],
  ["cpu.system_usec", "cpu.system_usec"],
  ["cpu.nr_periods", "cpu.nr_periods"],
  ["cpu.nr_throttled", "cpu.nr_throttled"],
  ["cpu.throttled_usec", "cpu.throttled_usec"],
  ["memory.usage", "memory.usage"],
  ["memory.usage_limit", "memory.usage_limit"],
  ["memory.swap_usage", "memory.swap_usage"],
  ["memory.swap_limit", "memory.swap_limit"],
] as const;

/** The metrics that ctr shows, as it names them. Zeros may be missing in the document, as in JSON of protobuf. */
export function metricRows({ cgroupVersion, data }: Pick<Metrics, "cgroupVersion" | "data">): string[][] {
  return (cgroupVersion === 1 ? v1 : v2).map(([name, path]) => [name, shown(valueAt(data, path))]);
}

function valueAt(document: unknown, path: string): unknown {
  let value = document;
  for (const key of path.split(".")) {
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value ?? 0;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(" ")}]`;
  return typeof value === "number" ? exactNumber(value) : String(value);
}
