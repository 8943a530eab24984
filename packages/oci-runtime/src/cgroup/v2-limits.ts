import type { BlockIO, CpuLimits, MemoryLimits, Resources } from "@gantry/oci-spec/runtime";
import { pidsMax } from "./v1-limits.ts";

/** One write to one file of a version 2 cgroup. */
export interface UnifiedLimit {
  readonly file: string;
  readonly value: string;
  readonly field: string;
  /** A file that some kernels lack; "silent" where its absence does not matter. */
  readonly optional?: boolean | "silent";
  /** Taken instead, when the kernel lacks the file. */
  readonly otherwise?: { readonly file: string; readonly value: string };
}

/** Current values of the cgroup that new limits depend on. */
export interface PresentLimits {
  /** Quota and period as in cpu.max: "max 100000". */
  readonly cpuMax: string;
  /** Of cpu.max.burst, in microseconds. */
  readonly burst: number;
  /** Bytes of memory.max; undefined for no limit. */
  readonly memory: number | undefined;
}

/**
 * An OCI resources object as writes to unified files, in an order that the kernel accepts. Pure but for warnings.
 * @throws Error for settings of version 1 only
 */
export function limitsV2(
  resources: Resources,
  present: PresentLimits,
  warn: (message: string) => void,
): UnifiedLimit[] {
  refuseVersionOne(resources);
  for (const field of legacyFields(resources)) warn(`${field} is ignored: cgroup version 2 does not count it apart`);
  const limits = [
    ...memoryLimits(resources.memory ?? {}, present),
    ...cpuLimits(resources.cpu ?? {}, present),
    ...blockLimits(resources.blockIO ?? {}),
  ];
  const { pids } = resources;
  if (pids) limits.push(entry("pids.max", pidsMax(pids.limit), "linux.resources.pids.limit"));
  for (const { pageSize, limit } of resources.hugepageLimits ?? []) {
    limits.push(entry(`hugetlb.${pageSize}.max`, limit, "linux.resources.hugepageLimits"));
    limits.push({
      ...entry(`hugetlb.${pageSize}.rsvd.max`, limit, "linux.resources.hugepageLimits"),
      optional: "silent",
    });
  }
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(resources.rdma ?? {}))
    limits.push(
      entry(
        "rdma.max",
        `${device} hca_handle=${hcaHandles ?? "max"} hca_object=${hcaObjects ?? "max"}`,
        "linux.resources.rdma",
      ),
    );
  return [...limits, ...unifiedLimits(resources.unified ?? {})];
}

/** @throws Error naming the field and the reason */
function refuseVersionOne({ memory, cpu, network }: Resources): void {
  const refuse = (field: string, instead: string): never => {
    throw new Error(`linux.resources.${field} cannot be set: this machine has cgroup version 2, ${instead}`);
  };
  if (memory?.disableOOMKiller) refuse("memory.disableOOMKiller", "where the OOM killer cannot be turned off");
  if (memory?.swappiness !== undefined) refuse("memory.swappiness", "where swappiness is the machine's alone");
  if (cpu?.realtimeRuntime || cpu?.realtimePeriod)
    refuse("cpu.realtimeRuntime", "which does not divide real-time scheduling");
  if (network?.classID) refuse("network.classID", "which has no net_cls");
  if (network?.priorities?.length) refuse("network.priorities", "which has no net_prio");
}

function legacyFields({ memory, blockIO }: Resources): string[] {
  const fields: string[] = [];
  if (memory?.kernel) fields.push("linux.resources.memory.kernel");
  if (memory?.kernelTCP) fields.push("linux.resources.memory.kernelTCP");
  if (blockIO?.leafWeight) fields.push("linux.resources.blockIO.leafWeight");
  return fields;
}

function unifiedLimits(unified: Readonly<Record<string, string>>): UnifiedLimit[] {
  const limits: UnifiedLimit[] = [];
  for (const [file, value] of Object.entries(unified)) {
    const field = `linux.resources.unified["${file}"]`;
    if (file.includes("/")) throw new Error(`${field} must be the name of a file of the cgroup, without a slash`);
    for (const line of value.split("\n").filter(Boolean)) limits.push(entry(file, line, field));
  }
  return limits;
}

function entry(file: string, value: number | string, field: string): UnifiedLimit {
  return { file, value: typeof value === "number" ? BigInt(value).toString() : value, field };
}

function bytes(value: number): number | string {
  return value < 0 ? "max" : value;
}

/** The specification counts memory and swap together, version 2 counts swap alone. */
function memoryLimits({ limit, swap, reservation }: MemoryLimits, present: PresentLimits): UnifiedLimit[] {
  const field = (name: string) => `linux.resources.memory.${name}`;
  const limits: UnifiedLimit[] = [];
  const alone = swapAlone(limit || present.memory, swap ?? (limit === -1 ? -1 : 0));
  if (alone !== undefined) limits.push({ ...entry("memory.swap.max", alone, field("swap")), optional: true });
  if (limit) limits.push(entry("memory.max", bytes(limit), field("limit")));
  if (reservation) limits.push(entry("memory.low", bytes(reservation), field("reservation")));
  return limits;
}

/** @throws Error when there is no memory limit that the sum could be of, or the sum is smaller than it */
function swapAlone(memory: number | undefined, both: number): number | string | undefined {
  if (both === 0) return undefined;
  if (both < 0) return "max";
  if (memory === undefined || memory < 0)
    throw new Error(
      "linux.resources.memory.swap counts memory and swap together: it needs linux.resources.memory.limit",
    );
  if (both < memory)
    throw new Error(`linux.resources.memory.swap (${both}) counts memory, too: it must be at least limit (${memory})`);
  return both - memory;
}

/** Shares of 2 to 262144 become weights of 1 to 10000, as every runtime maps them. */
export function cpuWeight(shares: number): number {
  const bounded = Math.min(Math.max(shares, 2), 262144);
  return 1 + Math.floor(((bounded - 2) * 9999) / 262142);
}

/** The new value of cpu.max; fields that are not given keep their value. */
export function cpuMax({ quota, period }: CpuLimits, present: string): string {
  const [presentQuota = "max", presentPeriod = "100000"] = present.split(" ");
  const wanted = quota === undefined || quota === 0 ? presentQuota : quota > 0 ? String(quota) : "max";
  return `${wanted} ${period || presentPeriod}`;
}

/** A burst may not exceed the quota: a smaller burst is written before the quota, a larger one after it. */
function cpuLimits(cpu: CpuLimits, present: PresentLimits): UnifiedLimit[] {
  const field = (name: string) => `linux.resources.cpu.${name}`;
  const limits: UnifiedLimit[] = [];
  if (cpu.shares) limits.push(entry("cpu.weight", cpuWeight(cpu.shares), field("shares")));
  if (cpu.quota || cpu.period) limits.push(entry("cpu.max", cpuMax(cpu, present.cpuMax), field("quota")));
  if (cpu.burst !== undefined) {
    const burst = entry("cpu.max.burst", cpu.burst, field("burst"));
    if (cpu.burst < present.burst) limits.unshift(burst);
    else limits.push(burst);
  }
  if (cpu.idle !== undefined) limits.push(entry("cpu.idle", cpu.idle, field("idle")));
  if (cpu.cpus) limits.push(entry("cpuset.cpus", cpu.cpus, field("cpus")));
  if (cpu.mems) limits.push(entry("cpuset.mems", cpu.mems, field("mems")));
  return limits;
}

/** Weights of 10 to 1000 become those of 1 to 10000 where the scheduler BFQ, which takes them as they are, is absent. */
export function ioWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function blockLimits(block: BlockIO): UnifiedLimit[] {
  const field = (name: string) => `linux.resources.blockIO.${name}`;
  const limits: UnifiedLimit[] = [];
  const weight = (device: string, value: number, name: string) =>
    limits.push({
      ...entry("io.bfq.weight", `${device} ${value}`, field(name)),
      otherwise: { file: "io.weight", value: `${device} ${ioWeight(value)}` },
      optional: true,
    });
  if (block.weight) weight("default", block.weight, "weight");
  for (const { major, minor, weight: value } of block.weightDevice ?? [])
    if (value) weight(`${major}:${minor}`, value, "weightDevice");
  const kinds = [
    ["throttleReadBpsDevice", "rbps"],
    ["throttleWriteBpsDevice", "wbps"],
    ["throttleReadIOPSDevice", "riops"],
    ["throttleWriteIOPSDevice", "wiops"],
  ] as const;
  for (const [name, key] of kinds)
    for (const { major, minor, rate } of block[name] ?? [])
      limits.push(entry("io.max", `${major}:${minor} ${key}=${rate || "max"}`, field(name)));
  return limits;
}
