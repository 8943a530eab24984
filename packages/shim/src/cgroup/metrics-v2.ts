import type { Cgroup } from "./cgroup.ts";
import { CgroupFiles, toNumber } from "./files.ts";
import { rdma } from "./metrics-v1.ts";

/** Figures of a version 2 cgroup, in the fields of containerd's io.containerd.cgroups.v2.Metrics. */
export function metricsV2(cgroup: Cgroup): Record<string, unknown> {
  const files = new CgroupFiles(cgroup.directory(""));
  return {
    pids: { current: files.number("pids.current"), limit: files.number("pids.max") },
    cpu: files.table("cpu.stat"),
    memory: {
      ...files.table("memory.stat"),
      usage: files.number("memory.current"),
      usage_limit: files.number("memory.max"),
      swap_usage: files.number("memory.swap.current"),
      swap_limit: files.number("memory.swap.max"),
    },
    rdma: rdma(files),
    io: { usage: files.lines("io.stat").flatMap(ioEntry) },
    hugetlb: files.variants("hugetlb.", ".current").map((pagesize) => ({
      pagesize,
      current: files.number(`hugetlb.${pagesize}.current`),
      max: files.number(`hugetlb.${pagesize}.max`),
    })),
    memory_events: files.table("memory.events"),
  };
}

/** A line "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …". */
function ioEntry(line: string): object[] {
  const [device = "", ...pairs] = line.split(" ");
  const [major, minor] = device.split(":");
  if (minor === undefined) return [];
  const values = Object.fromEntries(pairs.map((pair) => pair.split("=")));
  const fields = ["rbytes", "wbytes", "rios", "wios"] as const;
  const counts = Object.fromEntries(fields.map((field) => [field, toNumber(values[field] ?? "")]));
  return [{ major: Number(major), minor: Number(minor), ...counts }];
}
