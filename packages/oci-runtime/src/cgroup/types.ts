import type { Resources } from "@gantry/oci-spec/runtime";
import type { Host } from "../host.ts";

/** The container's directory in each hierarchy, by the hierarchy's name. */
export type CgroupPaths = Readonly<Record<string, string>>;

/** The parts of a host that setting limits needs. */
export type LimitContext = Pick<Host, "native" | "warn" | "facts" | "debug">;

/** One container's cgroups. Callers need not know the version. */
export interface CgroupManager {
  /** Files of version 1 into which a single-threaded process writes "0" to join. */
  joinFiles(): string[];
  /**
   * The directory of version 2 that a process is cloned into: joining it later takes milliseconds.
   * @param first the container's first process, where there is one: a cgroup that is divided takes processes below only
   */
  cloneInto(first?: number): string | undefined;
  /** Makes the directories. */
  create(): void;
  /** Sets limits. @throws Error naming the limit and the file */
  apply(resources: Resources, context: LimitContext): Promise<void>;
  pids(): number[];
  /** Ends every process at once where the kernel can do that; false where each must be sent its signal. */
  killAll(): boolean;
  /** Freezes or thaws every process; returns once that is so. @throws Error after a few seconds */
  freeze(frozen: boolean): Promise<void>;
  isFrozen(): boolean;
  /** Removes the directories and those that processes inside have made. */
  remove(): Promise<void>;
  /** The data of `events --stats`. */
  stats(): Promise<Record<string, unknown>>;
}
