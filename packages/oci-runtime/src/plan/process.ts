import { RLIMITS } from "@gantry/native-sys";
import type { Process, Scheduler, Seccomp } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { boundingOp, capabilitiesOp } from "./capabilities.ts";
import { type Op, PlanError, type Slots } from "./op.ts";
import { seccompOps } from "./seccomp.ts";

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What a process without a `user.umask` of its own gets, and hooks. */
export const defaultUmask = 0o022;
const unlimited = 2n ** 64n - 1n;

export interface ProcessInput {
  readonly process: Process;
  readonly seccomp: Seccomp | undefined;
  readonly personality: { domain: string; flags?: string[] } | undefined;
  readonly facts: Facts;
  readonly newKeyring: boolean;
  readonly slots: Pick<Slots, "channel">;
  /** A mapping of groups that the kernel lets this process set. */
  readonly setGroups: boolean;
  /** Put between the last restriction and exec: the wait for `start`. */
  readonly beforeExec: readonly Op[];
}

/** Limits, which only the host's rights may raise: they come before a user namespace where there is one. */
export function rlimitOps(process: Process): Op[] {
  return (process.rlimits ?? []).map(({ type, soft, hard }, index) => {
    const resource = (RLIMITS as Readonly<Record<string, number>>)[type];
    if (resource === undefined)
      throw new PlanError(
        `process.rlimits[${index}].type: ${type} is no limit of Linux; known are ${Object.keys(RLIMITS).join(", ")}`,
      );
    return { op: "rlimit", why: `process.rlimits[${index}]`, resource, soft: limitValue(soft), hard: limitValue(hard) };
  });
}

/** JSON has rounded 2^64-1, which means no limit. */
function limitValue(value: number): bigint {
  return value >= 2 ** 64 ? unlimited : BigInt(value);
}

/** Score of the out-of-memory killer: written while the host's rights and /proc are still there. */
export function oomOps(process: Process): Op[] {
  if (process.oomScoreAdj === undefined) return [];
  return [
    { op: "write", why: "process.oomScoreAdj", path: "/proc/self/oom_score_adj", data: String(process.oomScoreAdj) },
  ];
}

/**
 * From the container's root user to its program. Without no_new_privs the filter must be loaded while the process may
 * still do so, before it gives its capabilities up; with it the filter comes last, so that it need not allow what the
 * steps in between use.
 */
export function processOps(input: ProcessInput): Op[] {
  const { process, facts } = input;
  const filter = seccompOps(input.seccomp);
  const last = process.noNewPrivileges === true;
  const ops: Op[] = [...labelOps(input), ...schedulingOps(input)];
  if (input.newKeyring) ops.push({ op: "keyring", why: "a session keyring of its own" });
  if (last) ops.push({ op: "noNewPrivileges", why: "process.noNewPrivileges" });
  ops.push({ op: "directory", why: "process.cwd", path: process.cwd });
  if (!last) ops.push(...filter);
  ops.push(boundingOp(process.capabilities, facts), userOp(input), capabilitiesOp(process.capabilities, facts));
  ops.push({ op: "umask", why: "process.user.umask", mask: process.user?.umask ?? defaultUmask });
  ops.push(...programOps(process), ...input.beforeExec);
  if (last) ops.push(...filter);
  ops.push({ op: "exec", why: "process.args", args: process.args ?? [], keep: input.slots.channel });
  return ops;
}

function labelOps({ process, facts }: ProcessInput): Op[] {
  if (process.apparmorProfile && !facts.apparmor)
    throw new PlanError(
      `process.apparmorProfile is "${process.apparmorProfile}", but AppArmor is not enabled on this host`,
    );
  if (process.selinuxLabel && !facts.selinux)
    throw new PlanError(`process.selinuxLabel is "${process.selinuxLabel}", but SELinux is not enabled on this host`);
  const ops: Op[] = [];
  if (process.apparmorProfile)
    ops.push({
      op: "writeProc",
      why: "process.apparmorProfile",
      path: "self/attr/apparmor/exec",
      data: `exec ${process.apparmorProfile}`,
    });
  if (process.selinuxLabel)
    ops.push({
      op: "writeProc",
      why: "process.selinuxLabel",
      path: "self/attr/exec",
      data: process.selinuxLabel,
    });
  return ops;
}

const ioClasses: Readonly<Record<string, number>> = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 };

function schedulingOps({ process, personality }: ProcessInput): Op[] {
  const ops: Op[] = [];
  if (process.scheduler) ops.push(schedulerOp(process.scheduler));
  if (process.ioPriority) {
    const value = ((ioClasses[process.ioPriority.class] ?? 0) << 13) | (process.ioPriority.priority ?? 0);
    ops.push({ op: "ioPriority", why: "process.ioPriority", value });
  }
  if (process.execCPUAffinity) throw new PlanError("process.execCPUAffinity is not supported");
  if (personality) {
    if ((personality.flags ?? []).length > 0) throw new PlanError("linux.personality.flags must be empty");
    ops.push({ op: "personality", why: "linux.personality", value: personality.domain === "LINUX32" ? 8 : 0 });
  }
  return ops;
}

const policies: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};
const schedulerFlags: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 1,
  SCHED_FLAG_RECLAIM: 2,
  SCHED_FLAG_DL_OVERRUN: 4,
  SCHED_FLAG_KEEP_POLICY: 8,
  SCHED_FLAG_KEEP_PARAMS: 16,
  SCHED_FLAG_UTIL_CLAMP_MIN: 32,
  SCHED_FLAG_UTIL_CLAMP_MAX: 64,
};

function schedulerOp(scheduler: Scheduler): Op {
  const policy = policies[scheduler.policy];
  if (policy === undefined)
    throw new PlanError(
      `process.scheduler.policy must be one of ${Object.keys(policies).join(", ")}, not "${scheduler.policy}"`,
    );
  let flags = 0;
  for (const name of scheduler.flags ?? []) {
    const bit = schedulerFlags[name];
    if (bit === undefined)
      throw new PlanError(
        `process.scheduler.flags must be of ${Object.keys(schedulerFlags).join(", ")}, not "${name}"`,
      );
    flags |= bit;
  }
  const { nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler;
  return { op: "scheduler", why: "process.scheduler", policy, flags, nice, priority, runtime, deadline, period };
}

function userOp({ process, setGroups }: ProcessInput): Op {
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {};
  checkId("process.user.uid", uid);
  checkId("process.user.gid", gid);
  for (const [index, id] of additionalGids.entries()) checkId(`process.user.additionalGids[${index}]`, id);
  return { op: "user", why: "process.user", uid, gid, groups: additionalGids, setGroups: setGroups ? 1 : 0 };
}

/** The kernel takes the largest number for "leave it as it is", which would be root. */
function checkId(field: string, id: number): void {
  if (id === 0xffffffff) throw new PlanError(`${field} must be from 0 to 4294967294, not ${id}`);
}

/** Whether the program is there is found out as its user, before the container counts as created. */
function programOps(process: Process): Op[] {
  const env = process.env ?? [];
  const value = (name: string) => env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  return [
    { op: "program", why: "process.args[0]", name: process.args?.[0] ?? "", path: value("PATH") ?? defaultPath },
    {
      op: "environment",
      why: "process.env",
      env,
      home: value("HOME") ? 0 : 1,
      uid: process.user?.uid ?? 0,
    },
  ];
}
