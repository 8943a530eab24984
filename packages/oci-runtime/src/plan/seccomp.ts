import type { Seccomp } from "@gantry/oci-spec/runtime";
import { type Op, PlanError } from "./op.ts";

/** SECCOMP_FILTER_FLAG_* of seccomp(2). */
const flags: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

const actions = ["KILL", "KILL_THREAD", "KILL_PROCESS", "TRAP", "ERRNO", "TRACE", "ALLOW", "LOG"].map(
  (name) => `SCMP_ACT_${name}`,
);
const operators = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"].map((name) => `SCMP_CMP_${name}`);

/** @throws PlanError for a flag, an action or an operator that is unknown or needs what this runtime does not do */
export function seccompOps(seccomp: Seccomp | undefined): Op[] {
  if (!seccomp) return [];
  checkNames(seccomp);
  const mask = (seccomp.flags ?? []).reduce((bits, name) => bits | (flags[name] ?? 0), 0);
  if (seccomp.defaultAction === "SCMP_ACT_ALLOW" && (seccomp.syscalls ?? []).length === 0) return [];
  return [{ op: "seccomp", why: "linux.seccomp", profile: seccomp, flags: mask }];
}

function checkNames({ defaultAction, flags: wished, listenerPath, syscalls }: Seccomp): void {
  if (listenerPath) throw new PlanError("linux.seccomp.listenerPath is not supported: nobody could be notified");
  known("defaultAction", defaultAction, actions);
  for (const [index, name] of (wished ?? []).entries()) known(`flags[${index}]`, name, Object.keys(flags));
  for (const [index, { action, args }] of (syscalls ?? []).entries()) {
    known(`syscalls[${index}].action`, action, actions);
    for (const [at, { op }] of (args ?? []).entries()) known(`syscalls[${index}].args[${at}].op`, op, operators);
  }
}

function known(field: string, name: string, names: readonly string[]): void {
  if (!names.includes(name))
    throw new PlanError(`linux.seccomp.${field}: ${name} is not supported; known are ${names.join(", ")}`);
}
