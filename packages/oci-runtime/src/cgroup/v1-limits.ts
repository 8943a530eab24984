import type { BlockIO, CpuLimits, DeviceRule, MemoryLimits, Resources, Throttle } from "@gantry/oci-spec/runtime";
import { deviceAccess } from "./device-access.ts";

/** One write to one file of a version 1 controller. */
export interface Limit {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** Where in config.json it comes from. */
  readonly field: string;
  /** A file that some kernels lack, and whose absence does no harm. */
  readonly optional?: boolean | "silent";
  /** Taken instead, when the kernel lacks the file. */
  readonly otherwise?: string;
}

/**
 * An OCI resources object as writes, in an order that the kernel accepts. Pure but for warnings.
 * @throws Error for settings of version 2 only
 */
export function limitsV1(resources: Resources, warn: (message: string) => void): Limit[] {
  if (Object.keys(resources.unified ?? {}).length > 0)
    throw new Error("linux.resources.unified cannot be set: this machine has cgroup version 1");
  if (resources.memory?.kernel) warn("linux.resources.memory.kernel is ignored: kernels no longer have that limit");
  if (resources.blockIO?.leafWeight)
    warn("linux.resources.blockIO.leafWeight is ignored: kernels no longer have that weight");
  const { pids, network, hugepageLimits = [], rdma = {} } = resources;
  const limits = [
    ...deviceLimits(resources.devices ?? []),
    ...memoryLimits(resources.memory ?? {}),
    ...cpuLimits(resources.cpu ?? {}),
    ...blockLimits(resources.blockIO ?? {}),
  ];
  if (pids) limits.push(limit("pids", "pids.max", pidsMax(pids.limit), "linux.resources.pids.limit"));
  if (network?.classID)
    limits.push(limit("net_cls", "net_cls.classid", network.classID, "linux.resources.network.classID"));
  for (const { name, priority } of network?.priorities ?? [])
    limits.push(limit("net_prio", "net_prio.ifpriomap", `${name} ${priority}`, "linux.resources.network.priorities"));
  for (const { pageSize, limit: bytes } of hugepageLimits)
    limits.push(limit("hugetlb", `hugetlb.${pageSize}.limit_in_bytes`, bytes, "linux.resources.hugepageLimits"), {
      ...limit("hugetlb", `hugetlb.${pageSize}.rsvd.limit_in_bytes`, bytes, "linux.resources.hugepageLimits"),
      optional: "silent",
    });
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(rdma)) {
    const value = `${device} hca_handle=${hcaHandles ?? "max"} hca_object=${hcaObjects ?? "max"}`;
    limits.push(limit("rdma", "rdma.max", value, "linux.resources.rdma"));
  }
  return limits;
}

/** Systemd takes no limit of 0 processes; one process means the same to a container (as with runc). */
export function pidsMax(limit: number): number | string {
  return limit < 0 ? "max" : Math.max(limit, 1);
}

function limit(controller: string, file: string, value: number | string, field: string): Limit {
  return { controller, file, value: typeof value === "number" ? BigInt(value).toString() : value, field };
}

function deviceLimits(rules: readonly DeviceRule[]): Limit[] {
  return rules.flatMap((rule, index) => {
    const all = !rule.type || rule.type === "a";
    const access = deviceAccess(rule);
    if (!all && access === "") return [];
    const number = (value: number | undefined) => (value === undefined || value < 0 ? "*" : String(value));
    const value = all ? "a" : `${rule.type} ${number(rule.major)}:${number(rule.minor)} ${access}`;
    return [
      limit("devices", rule.allow ? "devices.allow" : "devices.deny", value, `linux.resources.devices[${index}]`),
    ];
  });
}

/** Memory and swap together may never be below memory; v1-apply.ts finds the order. */
function memoryLimits(memory: MemoryLimits): Limit[] {
  const field = (name: string) => `linux.resources.memory.${name}`;
  const limits: Limit[] = [];
  const own = (file: string, value: number, name: string) => limits.push(limit("memory", file, value, field(name)));
  const { limit: bytes, swap } = memory;
  if (bytes) own("memory.limit_in_bytes", bytes, "limit");
  if (swap) limits.push({ ...limit("memory", "memory.memsw.limit_in_bytes", swap, field("swap")), optional: true });
  if (memory.reservation) own("memory.soft_limit_in_bytes", memory.reservation, "reservation");
  if (memory.swappiness !== undefined) own("memory.swappiness", memory.swappiness, "swappiness");
  if (memory.disableOOMKiller) own("memory.oom_control", 1, "disableOOMKiller");
  if (memory.kernelTCP)
    limits.push({
      ...limit("memory", "memory.kmem.tcp.limit_in_bytes", memory.kernelTCP, field("kernelTCP")),
      optional: true,
    });
  return limits;
}

/** Period, quota and burst are checked against each other; v1-apply.ts finds the order. */
function cpuLimits(cpu: CpuLimits): Limit[] {
  const field = (name: string) => `linux.resources.cpu.${name}`;
  const limits: Limit[] = [];
  const own = (file: string, value: number | undefined, name: string) => {
    if (value !== undefined && (value !== 0 || name === "burst" || name === "idle"))
      limits.push(limit("cpu", file, value, field(name)));
  };
  own("cpu.shares", cpu.shares, "shares");
  own("cpu.cfs_period_us", cpu.period, "period");
  own("cpu.cfs_quota_us", cpu.quota, "quota");
  own("cpu.cfs_burst_us", cpu.burst, "burst");
  own("cpu.idle", cpu.idle, "idle");
  own("cpu.rt_period_us", cpu.realtimePeriod, "realtimePeriod");
  own("cpu.rt_runtime_us", cpu.realtimeRuntime, "realtimeRuntime");
  if (cpu.cpus) limits.push(limit("cpuset", "cpuset.cpus", cpu.cpus, field("cpus")));
  if (cpu.mems) limits.push(limit("cpuset", "cpuset.mems", cpu.mems, field("mems")));
  return limits;
}

/** The weight's file is that of whichever scheduler the kernel has: BFQ on current ones. */
function blockLimits(block: BlockIO): Limit[] {
  const field = (name: string) => `linux.resources.blockIO.${name}`;
  const limits: Limit[] = [];
  if (block.weight)
    limits.push({
      ...limit("blkio", "blkio.bfq.weight", block.weight, field("weight")),
      otherwise: "blkio.weight",
      optional: true,
    });
  for (const { major, minor, weight } of block.weightDevice ?? [])
    if (weight)
      limits.push({
        ...limit("blkio", "blkio.bfq.weight_device", `${major}:${minor} ${weight}`, field("weightDevice")),
        otherwise: "blkio.weight_device",
        optional: true,
      });
  const throttles = (list: readonly Throttle[] | undefined, file: string, name: string) => {
    for (const { major, minor, rate } of list ?? [])
      limits.push(limit("blkio", `blkio.throttle.${file}`, `${major}:${minor} ${rate}`, field(name)));
  };
  throttles(block.throttleReadBpsDevice, "read_bps_device", "throttleReadBpsDevice");
  throttles(block.throttleWriteBpsDevice, "write_bps_device", "throttleWriteBpsDevice");
  throttles(block.throttleReadIOPSDevice, "read_iops_device", "throttleReadIOPSDevice");
  throttles(block.throttleWriteIOPSDevice, "write_iops_device", "throttleWriteIOPSDevice");
  return limits;
}
