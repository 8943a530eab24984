import { resolve } from "node:path";
import { defined } from "@gantry/cli";
import type { Context } from "../command.ts";
import { type ProcessRef, startAndFollow } from "./session.ts";
import type { StreamPlan } from "./stdio.ts";

export interface TaskRun {
  readonly id: string;
  readonly plan: StreamPlan;
  readonly pidFile?: string | undefined;
  /** Directory of a checkpoint's images to restore from. */
  readonly checkpoint?: string | undefined;
}

/** Creates and starts a container's task. Unless detached, follows it to its exit, deletes it and returns its exit code. */
export async function runTask(context: Context, { id, plan, pidFile, checkpoint }: TaskRun): Promise<number> {
  const process: ProcessRef = { namespace: context.namespace, containerId: id };
  const supervisor = await context.supervisor();
  const { stdio, fifoDirectory } = plan;
  const created = await supervisor.call("tasks.create", defined({ ...process, stdio, fifoDirectory, checkpoint }));
  const start = async (): Promise<void> => {
    const { pid } = await supervisor.call("tasks.start", process);
    if (pidFile === undefined) return;
    const { writeFile } = await import("node:fs/promises");
    await writeFile(resolve(context.cwd, pidFile), String(pid));
  };
  try {
    return await startAndFollow(context, { plan, process, fifos: created.fifos, start });
  } catch (error) {
    // A task that did not start is removed.
    await supervisor.call("tasks.kill", { ...process, signal: 9 }).catch(() => {});
    await supervisor.call("tasks.wait", process, { timeoutMs: 10_000 }).catch(() => {});
    await supervisor.call("tasks.delete", process).catch(() => {});
    throw error;
  }
}
