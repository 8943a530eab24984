/** The names that runtime-spec config.md and config-linux.md allow where a field is one of a list. */

export const namespaceTypes = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"] as const;

export const rlimitTypes = [
  ...(["RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS"] as const),
  ...(["RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING"] as const),
  ...(["RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME"] as const),
] as const;

/** The same limits as `--ulimit` names them: "nofile" for RLIMIT_NOFILE. */
export const ulimitNames: readonly string[] = rlimitTypes.map((type) => type.slice("RLIMIT_".length).toLowerCase());

export const ioPriorityClasses = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"] as const;

export const schedulerPolicies = [
  ...(["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH"] as const),
  ...(["SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE"] as const),
] as const;

export const schedulerFlags = [
  ...(["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_KEEP_POLICY"] as const),
  ...(["SCHED_FLAG_KEEP_PARAMS", "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX"] as const),
] as const;

export const memoryPolicyModes = [
  ...(["MPOL_DEFAULT", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE"] as const),
  ...(["MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL"] as const),
] as const;

export const memoryPolicyFlags = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"] as const;

export const seccompActions = [
  ...(["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP"] as const),
  ...(["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY"] as const),
] as const;

export const seccompOperators = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"].map((name) => `SCMP_CMP_${name}`);

export const seccompFlags = [
  ...(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"] as const),
  ...(["SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] as const),
] as const;

export const seccompArchitectures = [
  ...["X86", "X86_64", "X32", "ARM", "AARCH64", "LOONGARCH64", "M68K", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL"],
  ...["MIPSEL64", "MIPSEL64N32", "PPC", "PPC64", "PPC64LE", "S390", "S390X", "SH", "SHEB", "PARISC", "PARISC64"],
  ...["RISCV64", "NATIVE"],
].map((name) => `SCMP_ARCH_${name}`);

export const rootfsPropagations = [
  ...["", "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"],
] as const;

export type RlimitType = (typeof rlimitTypes)[number];
export type IoPriorityClass = (typeof ioPriorityClasses)[number];
export type SchedulerPolicy = (typeof schedulerPolicies)[number];
export type SchedulerFlag = (typeof schedulerFlags)[number];
export type MemoryPolicyMode = (typeof memoryPolicyModes)[number];
export type MemoryPolicyFlag = (typeof memoryPolicyFlags)[number];
export type SeccompFlag = (typeof seccompFlags)[number];
