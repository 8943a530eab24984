import type { HostConfig } from "@gantry/ipc/contracts/engine-types";
import type { BlockIO, CpuLimits, MemoryLimits, Resources } from "@gantry/oci-spec/runtime";

const CPU_PERIOD = 100_000;

/** The cgroup limits of a container, without its device rules. Swap limits are left out where the kernel does not account for swap. */
export function containerResources(host: HostConfig, swapLimit: boolean): Resources {
  const memory = memoryLimits(host, swapLimit);
  const cpu = cpuLimits(host);
  const blockIO = blockLimits(host);
  return {
    ...(memory && { memory }),
    ...(cpu && { cpu }),
    ...(host.PidsLimit && host.PidsLimit > 0 ? { pids: { limit: host.PidsLimit } } : {}),
    ...(blockIO && { blockIO }),
  };
}

function memoryLimits(host: HostConfig, swapLimit: boolean): MemoryLimits | undefined {
  const limits: MemoryLimits = {};
  if (host.Memory) limits.limit = host.Memory;
  if (host.MemoryReservation) limits.reservation = host.MemoryReservation;
  if (swapLimit && host.MemorySwap) limits.swap = host.MemorySwap;
  return Object.keys(limits).length > 0 ? limits : undefined;
}

function cpuLimits(host: HostConfig): CpuLimits | undefined {
  const limits: CpuLimits = {};
  if (host.CpuShares) limits.shares = host.CpuShares;
  if (host.NanoCpus) {
    limits.period = CPU_PERIOD;
    limits.quota = Math.floor((host.NanoCpus * CPU_PERIOD) / 1e9);
  }
  if (host.CpuPeriod) limits.period = host.CpuPeriod;
  if (host.CpuQuota) limits.quota = host.CpuQuota;
  if (host.CpusetCpus) limits.cpus = host.CpusetCpus;
  if (host.CpusetMems) limits.mems = host.CpusetMems;
  return Object.keys(limits).length > 0 ? limits : undefined;
}

function blockLimits(host: HostConfig): BlockIO | undefined {
  return host.BlkioWeight ? { weight: host.BlkioWeight } : undefined;
}
