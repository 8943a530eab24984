import type { BlockIO, CpuLimits, MemoryLimits, Resources } from "@gantry/oci-spec/runtime";

/** One write to one file of a version 2 cgroup. */
export interface UnifiedLimit {
  readonly file: string;
  readonly value: string;
  readonly field: string;
  readonly optional?: boolean;
}

/** An OCI resources object as writes to unified files. Pure but for warnings. */
export function limitsV2(resources: Resources, warn: (message: string) => void): UnifiedLimit[] {
  const limits = [
    ...memoryLimits(resources.memory ?? {}),
    ...cpuLimits(resources.cpu ?? {}),
    ...blockLimits(resources.blockIO ?? {}),
  ];
  if ((resources.devices ?? []).some(({ allow, type }) => !(allow && (!type || type === "a"))))
    warn("linux.resources.devices is not enforced: on cgroup version 2 device rules need an eBPF program");
  const { pids } = resources;
  if (pids && pids.limit !== 0)
    limits.push(entry("pids.max", pids.limit < 0 ? "max" : pids.limit, "linux.resources.pids.limit"));
  for (const { pageSize, limit } of resources.hugepageLimits ?? [])
    limits.push(entry(`hugetlb.${pageSize}.max`, limit, "linux.resources.hugepageLimits"));
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(resources.rdma ?? {}))
    limits.push(
      entry(
        "rdma.max",
        `${device} hca_handle=${hcaHandles ?? "max"} hca_object=${hcaObjects ?? "max"}`,
        "linux.resources.rdma",
      ),
    );
  for (const [file, value] of Object.entries(resources.unified ?? {}))
    for (const line of value.split("\n")) limits.push(entry(file, line, `linux.resources.unified["${file}"]`));
  return limits;
}

function entry(file: string, value: number | string, field: string): UnifiedLimit {
  return { file, value: typeof value === "number" ? BigInt(value).toString() : value, field };
}

function bytes(value: number): number | string {
  return value < 0 ? "max" : value;
}

/** The specification counts memory and swap together, version 2 counts swap alone. */
function memoryLimits({ limit, swap, reservation }: MemoryLimits): UnifiedLimit[] {
  const field = (name: string) => `linux.resources.memory.${name}`;
  const limits: UnifiedLimit[] = [];
  if (limit) limits.push(entry("memory.max", bytes(limit), field("limit")));
  if (swap) {
    const alone = swap < 0 || !limit || limit < 0 ? bytes(swap) : Math.max(0, swap - limit);
    limits.push({ ...entry("memory.swap.max", alone, field("swap")), optional: true });
  }
  if (reservation) limits.push(entry("memory.low", bytes(reservation), field("reservation")));
  return limits;
}

/** Shares of 2 to 262144 become weights of 1 to 10000, as every runtime maps them. */
export function cpuWeight(shares: number): number {
  const bounded = Math.min(Math.max(shares, 2), 262144);
  return 1 + Math.floor(((bounded - 2) * 9999) / 262142);
}

function cpuLimits(cpu: CpuLimits): UnifiedLimit[] {
  const field = (name: string) => `linux.resources.cpu.${name}`;
  const limits: UnifiedLimit[] = [];
  if (cpu.shares) limits.push(entry("cpu.weight", cpuWeight(cpu.shares), field("shares")));
  if (cpu.quota || cpu.period) {
    const quota = cpu.quota && cpu.quota > 0 ? String(cpu.quota) : "max";
    limits.push(entry("cpu.max", cpu.period ? `${quota} ${cpu.period}` : quota, field("quota")));
  }
  if (cpu.burst) limits.push(entry("cpu.max.burst", cpu.burst, field("burst")));
  if (cpu.idle) limits.push(entry("cpu.idle", cpu.idle, field("idle")));
  if (cpu.cpus) limits.push(entry("cpuset.cpus", cpu.cpus, field("cpus")));
  if (cpu.mems) limits.push(entry("cpuset.mems", cpu.mems, field("mems")));
  return limits;
}

function blockLimits(block: BlockIO): UnifiedLimit[] {
  const field = (name: string) => `linux.resources.blockIO.${name}`;
  const limits: UnifiedLimit[] = [];
  if (block.weight) limits.push({ ...entry("io.bfq.weight", block.weight, field("weight")), optional: true });
  const kinds = [
    ["throttleReadBpsDevice", "rbps"],
    ["throttleWriteBpsDevice", "wbps"],
    ["throttleReadIOPSDevice", "riops"],
    ["throttleWriteIOPSDevice", "wiops"],
  ] as const;
  for (const [name, key] of kinds)
    for (const { major, minor, rate } of block[name] ?? [])
      limits.push(entry("io.max", `${major}:${minor} ${key}=${rate}`, field(name)));
  return limits;
}
