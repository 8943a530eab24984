import type { Stdio } from "@gantry/ipc/contracts/common";
import type { ContainerRecord, Task as TaskInfo } from "@gantry/ipc/contracts/supervisor";
import type { TaskRow } from "../metadata/tasks.ts";
import type { Shim } from "./shim.ts";

/** A task in the form of the contract. */
export function taskInfo(row: TaskRow): TaskInfo {
  const { containerId, pid, terminal, exitStatus, exitedAt, reason } = row;
  return {
    containerId,
    pid,
    terminal,
    status: row.status === "creating" ? "unknown" : row.status,
    ...(exitStatus === undefined ? {} : { exitStatus }),
    ...(exitedAt === undefined ? {} : { exitedAt }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The row of a task whose creation begins. */
export function newRow(namespace: string, container: ContainerRecord, stdio: Stdio, shim: Shim): TaskRow {
  return {
    namespace,
    containerId: container.id,
    shimDirectory: shim.directory,
    shimAddress: shim.address,
    shimPid: shim.pid,
    runtime: container.runtime,
    terminal: stdio.terminal,
    status: "creating",
    pid: 0,
    lastEvent: 0,
    exitStatus: undefined,
    exitedAt: undefined,
    reason: undefined,
  };
}
