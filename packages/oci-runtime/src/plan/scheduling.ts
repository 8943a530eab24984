import {
  type IoPriorityClass,
  type Linux,
  type MemoryPolicy,
  type MemoryPolicyFlag,
  type MemoryPolicyMode,
  type Process,
  parseIdList,
  type Scheduler,
  type SchedulerFlag,
  type SchedulerPolicy,
} from "@gantry/oci-spec/runtime";
import type { Op } from "./op.ts";

/** CPU affinity, scheduling class, I/O priority and memory policy of a process. */
export function schedulingOps(process: Process, { personality, memoryPolicy }: Linux): Op[] {
  const ops: Op[] = [];
  if (process.scheduler) ops.push(schedulerOp(process.scheduler));
  if (process.ioPriority) {
    const value = (ioClasses[process.ioPriority.class] << 13) | (process.ioPriority.priority ?? 0);
    ops.push({ op: "ioPriority", why: "process.ioPriority", value });
  }
  if (memoryPolicy) ops.push(memoryPolicyOp(memoryPolicy));
  if (personality)
    ops.push({ op: "personality", why: "linux.personality", value: personality.domain === "LINUX32" ? 8 : 0 });
  return ops;
}

/** In its cgroup a process may run where that allows it, wherever the runtime's caller ran. */
export const allProcessors: Op = { op: "affinity", why: "linux.resources.cpu.cpus", mask: new Uint8Array() };

/** @param list as "0-3,7"; nothing is done for none */
export function affinityOps(list: string | undefined, why: string): Op[] {
  const processors = parseIdList(list ?? "") ?? [];
  return processors.length > 0 ? [{ op: "affinity", why, mask: bitMask(processors) }] : [];
}

const ioClasses: Readonly<Record<IoPriorityClass, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};

/** Numbers of sched_setattr(2). */
export const schedulerPolicies: Readonly<Record<SchedulerPolicy, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

const schedulerFlags: Readonly<Record<SchedulerFlag, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 1,
  SCHED_FLAG_RECLAIM: 2,
  SCHED_FLAG_DL_OVERRUN: 4,
  SCHED_FLAG_KEEP_POLICY: 8,
  SCHED_FLAG_KEEP_PARAMS: 16,
  SCHED_FLAG_UTIL_CLAMP_MIN: 32,
  SCHED_FLAG_UTIL_CLAMP_MAX: 64,
};

function schedulerOp(scheduler: Scheduler): Op {
  const flags = (scheduler.flags ?? []).reduce((bits, name) => bits | schedulerFlags[name], 0);
  const { nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  const policy = schedulerPolicies[scheduler.policy];
  return { op: "scheduler", why: "process.scheduler", policy, flags, nice, priority, runtime, deadline, period };
}

const memoryModes: Readonly<Record<MemoryPolicyMode, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};

const memoryFlags: Readonly<Record<MemoryPolicyFlag, number>> = {
  MPOL_F_STATIC_NODES: 1 << 15,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_NUMA_BALANCING: 1 << 13,
};

function memoryPolicyOp({ mode, nodes = "", flags = [] }: MemoryPolicy): Op {
  const bits = flags.reduce((all, name) => all | memoryFlags[name], memoryModes[mode]);
  return { op: "memoryPolicy", why: "linux.memoryPolicy", mode: bits, nodes: bitMask(parseIdList(nodes) ?? []) };
}

/** A set of numbers as the kernel's bit mask, padded to multiples of 64 bits. */
function bitMask(numbers: readonly number[]): Uint8Array {
  const mask = new Uint8Array(numbers.length > 0 ? 8 * Math.ceil((Math.max(...numbers) + 1) / 64) : 0);
  for (const number of numbers) mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7));
  return mask;
}
