import type { Seccomp, SeccompFlag } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { type Op, syncPoints } from "./op.ts";

/** SECCOMP_FILTER_FLAG_* of seccomp(2). */
const flags: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
};
const newListener = 8;
/** With it a listener and TSYNC do not both want the call's result. */
const tsyncErrno = 16;

/** True for a filter that leaves the decision on some calls to a program of the host. */
export function hasListener(seccomp: Seccomp | undefined): boolean {
  return (seccomp?.syscalls ?? []).some(({ action }) => action === "SCMP_ACT_NOTIFY");
}

export function seccompOps(seccomp: Seccomp | undefined, { privileged }: Facts): Op[] {
  if (!seccomp) return [];
  if (seccomp.defaultAction === "SCMP_ACT_ALLOW" && (seccomp.syscalls ?? []).length === 0) return [];
  const listens = hasListener(seccomp);
  let mask = (seccomp.flags ?? []).reduce((bits, name) => bits | (flags[name as SeccompFlag] ?? 0), 0);
  if (listens) mask |= newListener | (mask & flags.SECCOMP_FILTER_FLAG_TSYNC ? tsyncErrno : 0);
  const point = listens ? syncPoints.listener : 0;
  return [{ op: "seccomp", why: "linux.seccomp", profile: seccomp, flags: mask, point, dumpable: privileged ? 0 : 1 }];
}
