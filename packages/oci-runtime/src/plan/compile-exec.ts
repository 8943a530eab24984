import type { NamespaceType, Process, Spec } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { consoleOp, joinCgroups } from "./compile.ts";
import { namespaceFlags } from "./namespaces.ts";
import type { ExecSlots, Op, Plan } from "./op.ts";
import { oomOps, processOps, rlimitOps } from "./process.ts";

export interface ExecInput {
  readonly process: Process;
  /** The container's configuration. */
  readonly spec: Spec;
  readonly facts: Facts;
  readonly slots: ExecSlots;
  readonly newKeyring: boolean;
  readonly cgroupFiles: readonly string[];
  readonly cloneInto: string | undefined;
  /** The namespaces of the container that are not the runtime's own. */
  readonly namespaces: readonly NamespaceType[];
}

/** /proc/PID/ns/* by the names of runtime-spec. */
export const namespaceFiles: Readonly<Record<NamespaceType, string>> = {
  user: "user",
  mount: "mnt",
  pid: "pid",
  network: "net",
  ipc: "ipc",
  uts: "uts",
  cgroup: "cgroup",
  time: "time",
};

/** Compiles the plan of `exec`: another process in a container that runs. Pure, as compile. */
export function compileExec(input: ExecInput): Plan {
  const { process, spec, namespaces } = input;
  const userNamespace = namespaces.includes("user");
  const ops: Op[] = [...joinCgroups(input), ...oomOps(process)];
  if (userNamespace) ops.push(...rlimitOps(process));
  ops.push({
    op: "join",
    why: "the container's namespaces",
    directory: input.slots.target,
    types: namespaces.map((type) => namespaceFlags[type]),
    paths: namespaces.map((type) => `ns/${namespaceFiles[type]}`),
  });
  if (userNamespace) ops.push({ op: "become", why: "the container's namespaces", uid: 0, gid: 0 });
  ops.push({ op: "fork", why: "the container's namespaces" }, { op: "session", why: "process" });
  if (process.terminal) ops.push(consoleOp(process, input.slots, false));
  if (!userNamespace) ops.push(...rlimitOps(process));
  ops.push(
    ...processOps({
      process,
      seccomp: spec.linux?.seccomp,
      personality: spec.linux?.personality,
      facts: input.facts,
      newKeyring: input.newKeyring,
      slots: input.slots,
      setGroups: !userNamespace || input.facts.privileged,
      beforeExec: [],
    }),
  );
  return { cloneFlags: 0, cgroup: input.cloneInto, forks: true, ops };
}
