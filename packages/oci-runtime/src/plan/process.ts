import { RLIMITS } from "@gantry/native-sys";
import type { Linux, Process } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { boundingOp, capabilitiesOp } from "./capabilities.ts";
import { maySetGroups } from "./id-maps.ts";
import { type Op, PlanError, type Slots } from "./op.ts";
import { schedulingOps } from "./scheduling.ts";
import { hasListener, seccompOps } from "./seccomp.ts";
import { entryOf } from "./table.ts";

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** The umask of hooks, and of a process without a `user.umask`. */
export const defaultUmask = 0o022;
const unlimited = 2n ** 64n - 1n;

export interface ProcessInput {
  readonly process: Process;
  readonly linux: Linux;
  readonly facts: Facts;
  readonly newKeyring: boolean;
  readonly slots: Pick<Slots, "channel">;
  /** The wait for `start`, where there is one … */
  readonly wait: readonly Op[];
  /** … and the hooks between it and the program, which run with the program's rights, filter and environment. */
  readonly startHooks: readonly Op[];
}

/** Limits, which only the host's rights may raise: they come before a user namespace where there is one. */
export function rlimitOps(process: Process): Op[] {
  return (process.rlimits ?? []).map(({ type, soft, hard }, index) => {
    const resource = entryOf<number>(RLIMITS, type);
    if (resource === undefined) throw new PlanError(`process.rlimits[${index}].type: ${type} is no limit of this host`);
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
 * steps in between use. One with a listener is loaded while the runtime is still there to take it.
 */
export function processOps(input: ProcessInput): Op[] {
  const { process, facts, linux } = input;
  const filter = seccompOps(linux.seccomp, facts);
  const last = process.noNewPrivileges === true;
  const ops: Op[] = [...labelOps(input), ...schedulingOps(process, linux)];
  if (input.newKeyring) ops.push({ op: "keyring", why: "a session keyring of its own" });
  if (last) ops.push({ op: "noNewPrivileges", why: "process.noNewPrivileges" });
  ops.push({ op: "directory", why: "process.cwd", path: process.cwd });
  if (!last) ops.push(...filter);
  ops.push({ op: "streams", why: "process.user", uid: process.user?.uid ?? 0 });
  ops.push(boundingOp(process.capabilities, input), ...userOps(input), capabilitiesOp(process.capabilities, input));
  ops.push({ op: "umask", why: "process.user.umask", mask: process.user?.umask ?? defaultUmask });
  ops.push(...programOps(process));
  const late = last && !hasListener(linux.seccomp);
  if (last && !late) ops.push(...filter);
  ops.push(...input.wait, ...(late ? filter : []), ...input.startHooks);
  ops.push({ op: "exec", why: "process.args", args: process.args ?? [], keep: input.slots.channel });
  return ops;
}

function labelOps({ process, facts }: ProcessInput): Op[] {
  const absent: string[] = [];
  if (process.apparmorProfile && !facts.apparmor)
    absent.push(`process.apparmorProfile is "${process.apparmorProfile}", but AppArmor is not enabled on this host`);
  if (process.selinuxLabel && !facts.selinux)
    absent.push(`process.selinuxLabel is "${process.selinuxLabel}", but SELinux is not enabled on this host`);
  if (absent.length > 0) throw new PlanError(absent.join("; "));
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

function userOps({ process, linux, facts }: ProcessInput): Op[] {
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {};
  const user: Op = { op: "user", why: "process.user", uid, gid };
  if (maySetGroups(linux, facts)) {
    const ids = new Uint8Array(Uint32Array.from(additionalGids).buffer);
    return [{ op: "groups", why: "process.user.additionalGids", ids }, user];
  }
  if (additionalGids.length > 0)
    throw new PlanError(
      "process.user.additionalGids cannot be set: the kernel lets a user map no group but its own only without them; map a range of /etc/subgid",
    );
  return [user];
}

/** Whether the program is there is found out as its user, before the container counts as created. */
function programOps(process: Process): Op[] {
  const variables = environment(process.env ?? []);
  const path = variables.get("PATH") ?? defaultPath;
  const home = variables.get("HOME");
  if (!home) variables.delete("HOME");
  return [
    { op: "program", why: "process.args[0]", name: process.args?.[0] ?? "", path },
    {
      op: "environment",
      why: "process.env",
      env: [...variables].map(([name, value]) => `${name}=${value}`),
      home: home ? "" : "/",
      uid: process.user?.uid ?? 0,
    },
  ];
}

/** One value a name, the last that is given, in its place: programs differ in which of two they read. */
function environment(entries: readonly string[]): Map<string, string> {
  const variables = new Map<string, string>();
  for (const entry of entries) {
    const equals = entry.indexOf("=");
    const name = entry.slice(0, equals);
    variables.delete(name);
    variables.set(name, entry.slice(equals + 1));
  }
  return variables;
}
