import type { Cgroup } from "./cgroup.ts";
import { CgroupFiles, toNumber } from "./files.ts";

/** Kernel's clock ticks to nanoseconds (USER_HZ is 100 on every Linux that runs Node). */
const tickNs = 10_000_000;

/** Figures of version 1 controllers, in the fields of containerd's io.containerd.cgroups.v1.Metrics. */
export function metricsV1(cgroup: Cgroup): Record<string, unknown> {
  const files = (controller: string) => new CgroupFiles(cgroup.directory(controller));
  const memory = files("memory");
  const pids = files("pids");
  return {
    hugetlb: hugetlb(files("hugetlb")),
    pids: {
      current: pids.number("pids.current"),
      limit: pids.text("pids.max") === "max" ? 0 : pids.number("pids.max"),
    },
    cpu: cpu(files("cpu"), files("cpuacct")),
    memory: memoryStat(memory),
    blkio: blkio(files("blkio")),
    rdma: rdma(files("rdma")),
    memory_oom_control: memory.table("memory.oom_control"),
  };
}

function hugetlb(files: CgroupFiles): object[] {
  return files.variants("hugetlb.", ".usage_in_bytes").map((pagesize) => ({
    pagesize,
    usage: files.number(`hugetlb.${pagesize}.usage_in_bytes`),
    max: files.number(`hugetlb.${pagesize}.max_usage_in_bytes`),
    failcnt: files.number(`hugetlb.${pagesize}.failcnt`),
  }));
}

/** Nanoseconds each. */
function cpu(files: CgroupFiles, accounting: CgroupFiles): object {
  const ticks = accounting.table("cpuacct.stat");
  const throttling = files.table("cpu.stat");
  return {
    usage: {
      total: accounting.number("cpuacct.usage"),
      kernel: (ticks.system ?? 0) * tickNs,
      user: (ticks.user ?? 0) * tickNs,
      per_cpu: accounting.numbers("cpuacct.usage_percpu"),
    },
    throttling: {
      periods: throttling.nr_periods ?? 0,
      throttled_periods: throttling.nr_throttled ?? 0,
      throttled_time: throttling.throttled_time ?? 0,
    },
  };
}

/** All lines of memory.stat by their names, and the four counters. */
function memoryStat(files: CgroupFiles): object {
  const counter = (name: string) => ({
    limit: files.number(`memory.${name}limit_in_bytes`),
    usage: files.number(`memory.${name}usage_in_bytes`),
    max: files.number(`memory.${name}max_usage_in_bytes`),
    failcnt: files.number(`memory.${name}failcnt`),
  });
  return {
    ...files.table("memory.stat"),
    usage: counter(""),
    swap: counter("memsw."),
    kernel: counter("kmem."),
    kernel_tcp: counter("kmem.tcp."),
  };
}

const blockFiles = {
  io_service_bytes_recursive: ["blkio.bfq.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive"],
  io_serviced_recursive: ["blkio.bfq.io_serviced_recursive", "blkio.throttle.io_serviced_recursive"],
  io_queued_recursive: ["blkio.bfq.io_queued_recursive", "blkio.io_queued_recursive"],
  io_service_time_recursive: ["blkio.bfq.io_service_time_recursive", "blkio.io_service_time_recursive"],
  io_wait_time_recursive: ["blkio.bfq.io_wait_time_recursive", "blkio.io_wait_time_recursive"],
  io_merged_recursive: ["blkio.bfq.io_merged_recursive", "blkio.io_merged_recursive"],
  io_time_recursive: ["blkio.bfq.time_recursive", "blkio.time_recursive"],
  sectors_recursive: ["blkio.bfq.sectors_recursive", "blkio.sectors_recursive"],
} as const;

/** Each figure from the scheduler that has it, else from the throttling layer. */
function blkio(files: CgroupFiles): object {
  const entries = Object.entries(blockFiles).map(([field, names]) => {
    const found = names.map((name) => blockEntries(files.lines(name))).find((list) => list.length > 0);
    return [field, found ?? []];
  });
  return Object.fromEntries(entries);
}

/** Lines "8:0 Read 4096", or "8:0 4096". */
function blockEntries(lines: readonly string[]): object[] {
  return lines.flatMap((line) => {
    const match = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line);
    if (!match) return [];
    const [, major, minor, op = "", value = ""] = match;
    return [{ op, device: "", major: Number(major), minor: Number(minor), value: toNumber(value) }];
  });
}

/** Lines "mlx5_0 hca_handle=2 hca_object=2000". */
export function rdma(files: CgroupFiles): object {
  const entries = (name: string) =>
    files.lines(name).map((line) => {
      const [device, ...pairs] = line.split(" ");
      const values = Object.fromEntries(pairs.map((pair) => pair.split("=")));
      return { device, hca_handles: toNumber(values.hca_handle ?? ""), hca_objects: toNumber(values.hca_object ?? "") };
    });
  return { current: entries("rdma.current"), limit: entries("rdma.max") };
}
