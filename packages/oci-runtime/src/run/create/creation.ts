import { existsSync, rmdirSync } from "node:fs";
import { dirname } from "node:path/posix";
import type { Spec } from "@gantry/oci-spec/runtime";
import type { CgroupManager } from "../../cgroup/types.ts";
import type { Host } from "../../host.ts";
import type { Record, Store } from "../../state/store.ts";
import { killQuietly } from "../kill.ts";
import { endScope, type Scope } from "../limits/scope.ts";
import type { CreateRequest } from "./create.ts";

/** How one change of the host is taken back. */
export interface Undo {
  back(): void;
  /** Called in any case, at the end. */
  close?(): void;
}

/** A creation in progress: everything made so far is undone in reverse when it fails. */
export interface Creation {
  readonly host: Host;
  readonly store: Store;
  readonly request: CreateRequest;
  readonly spec: Spec;
  readonly cgroup: CgroupManager;
  /** Systemd's scope that the container is to be in, where systemd makes cgroups. */
  readonly scope: Scope | undefined;
  /** Steps that restore the rest of the host, in the order of the changes. */
  readonly undo: Undo[];
  record: Record;
}

/** Undoes a creation; a step that fails is reported as a warning. */
export async function undo({ store, record, cgroup, host, undo: steps }: Creation): Promise<void> {
  const attempt = async (step: () => void | Promise<void>) => {
    try {
      await step();
    } catch (error) {
      host.warn((error as Error).message);
    }
  };
  await attempt(async () => {
    if (!cgroup.killAll()) for (const pid of cgroup.pids()) killQuietly(pid);
    // A process that is frozen takes no signal on version 1.
    if (cgroup.isFrozen()) await cgroup.freeze(false);
    await endScope(record.scope);
    await cgroup.remove();
  });
  for (const step of steps.toReversed()) await attempt(step.back);
  store.remove(record.id);
}

/** Removes, if they are empty, the directories above these paths that are not there now. */
export function parentsRemover(paths: readonly string[]): () => void {
  const missing: string[] = [];
  for (const path of paths)
    for (let parent = dirname(path); parent !== "/" && !existsSync(parent); parent = dirname(parent))
      missing.push(parent);
  return () => {
    for (const path of missing)
      try {
        rmdirSync(path);
      } catch {
        // Not made, or another container is there by now.
      }
  };
}
