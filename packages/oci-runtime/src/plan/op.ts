import type { Seccomp } from "@gantry/oci-spec/runtime";
import type { Operands, OperationName } from "./generated/ops.ts";

/** The filter itself is made of the profile when the plan is encoded: a plan is readable text. */
interface Filled extends Omit<Operands, "seccomp"> {
  readonly seccomp: Omit<Operands["seccomp"], "filter"> & { readonly profile: Seccomp };
}

/** One kernel operation, final in every detail. `why` is the path in config.json that it comes from. */
export type Op = {
  [K in OperationName]: { readonly op: K; readonly why: string } & Filled[K];
}[OperationName];

/** Points at which the helper waits for the runtime. */
export const syncPoints = {
  /** A user namespace exists and needs its id maps. */
  maps: 1,
  /** All namespaces and mounts are there: hooks of the runtime run, then their state document is answered. */
  hooks: 2,
  /** The hooks before the program will read another state document: the container is created by then. */
  created: 3,
  /** A time namespace exists and needs its offsets. */
  offsets: 4,
  /** The network namespace exists and gets its devices. */
  netDevices: 5,
  /** A filter with a listener is loaded: the runtime hands the listener over. */
  listener: 6,
} as const;

/** How the helper is started, and the operations that it executes. */
export interface Plan {
  /** clone(2) flags of the helper itself: CLONE_NEWPID when it can be the new namespace's first process. */
  readonly cloneFlags: number;
  /** Directory of the version 2 cgroup that the helper is cloned into. */
  readonly cgroup: string | undefined;
  /** The helper forks, and the container's process is the child. */
  readonly forks: boolean;
  readonly ops: readonly Op[];
}

/** Where the helper finds its descriptors: after the standard streams and those kept open for the program. */
export interface Slots {
  readonly channel: number;
  readonly start: number;
  readonly result: number;
  /** The first of the trees that the runtime has opened for mounts, in their order. */
  readonly trees: number;
  readonly console: number;
}

/**
 * @param preserved descriptors from 3 on that the program keeps
 * @param trees how many mounts the runtime opens (plan/mapped-mounts.ts)
 */
export function slotsFor(preserved: number, trees = 0): Slots {
  const first = 3 + preserved;
  return { channel: first, start: first + 1, result: first + 2, trees: first + 3, console: first + 3 + trees };
}

/** Of an `exec`: `target` is /proc/PID of the container's process, by which its namespaces are found. */
export interface ExecSlots {
  readonly channel: number;
  readonly target: number;
  readonly console: number;
}

export function execSlots(preserved: number): ExecSlots {
  const first = 3 + preserved;
  return { channel: first, target: first + 1, console: first + 2 };
}

/** A configuration that is valid but requires something that cannot be done, here or at all. */
export class PlanError extends Error {
  override name = "PlanError";
}

/**
 * Does several pieces of work, and only then fails with all that they refused.
 * @throws PlanError whose message names every problem
 */
export function gather<T>(work: readonly (() => readonly T[])[]): T[] {
  const problems: string[] = [];
  const results = work.flatMap((piece) => {
    try {
      return piece();
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      problems.push(error.message);
      return [];
    }
  });
  if (problems.length > 0) throw new PlanError(problems.join("; "));
  return results;
}
