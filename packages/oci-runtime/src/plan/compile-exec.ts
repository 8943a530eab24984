import type { NamespaceType, Process, Spec } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { consoleOp, joinCgroups } from "./compile.ts";
import { namespaceFlags } from "./namespaces.ts";
import type { ExecSlots, Op, Plan } from "./op.ts";
import { oomOps, processOps, rlimitOps } from "./process.ts";
import { affinityOps, allProcessors } from "./scheduling.ts";

export interface ExecInput {
  readonly process: Process;
  /** The container's configuration. */
  readonly spec: Spec;
  readonly facts: Facts;
  readonly slots: ExecSlots;
  readonly newKeyring: boolean;
  /** As of create. */
  readonly plainNewlines?: boolean;
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
  const { initial, final } = process.execCPUAffinity ?? {};
  const early = affinityOps(initial, "process.execCPUAffinity.initial");
  // Cloned into its cgroup a process would be there before it could be put on its first processors.
  const cloneInto = early.length > 0 ? undefined : input.cloneInto;
  const join = input.cloneInto && early.length > 0 ? [`${input.cloneInto}/cgroup.procs`] : [];
  const ops: Op[] = [
    ...early,
    ...joinCgroups({ cgroupFiles: [...input.cgroupFiles, ...join] }),
    ...(initial || final ? affinityOps(final, "process.execCPUAffinity.final") : [allProcessors]),
    ...oomOps(process),
  ];
  if (userNamespace) ops.push(...rlimitOps(process));
  ops.push({
    op: "join",
    why: "the container's namespaces",
    directory: input.slots.target,
    types: namespaces.map((type) => namespaceFlags[type]),
    paths: namespaces.map((type) => `ns/${namespaceFiles[type]}`),
    root: namespaces.includes("mount") ? 0 : 1,
  });
  if (userNamespace) ops.push({ op: "become", why: "the container's namespaces", uid: 0, gid: 0 });
  ops.push({ op: "fork", why: "the container's namespaces" }, { op: "session", why: "process" });
  if (process.terminal)
    ops.push(consoleOp(process, input.slots, { bind: false, plainNewlines: input.plainNewlines ?? false }));
  if (!userNamespace) ops.push(...rlimitOps(process));
  ops.push(
    ...processOps({
      process,
      linux: spec.linux ?? {},
      facts: input.facts,
      newKeyring: input.newKeyring,
      slots: input.slots,
      wait: [],
      startHooks: [],
    }),
  );
  return { cloneFlags: 0, cgroup: cloneInto, forks: true, ops };
}
