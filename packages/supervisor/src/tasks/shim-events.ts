import type { ItemOf } from "@gantry/ipc";
import type { shimContract } from "@gantry/ipc/contracts/shim";
import type { NewEvent } from "../metadata/events.ts";
import type { TaskRow, TaskState, TaskStatus } from "../metadata/tasks.ts";

export type ShimEvent = ItemOf<(typeof shimContract.methods)["events"]>;

/** A change of a task, with the events to publish in the same transaction. */
export interface TaskChange {
  readonly state: TaskState;
  readonly events: readonly NewEvent[];
}

/** Exit status of a process whose real one is lost: as if killed by SIGKILL. */
export const lostStatus = 137;

const topics = {
  create: "/tasks/create",
  start: "/tasks/start",
  exit: "/tasks/exit",
  oom: "/tasks/oom",
  paused: "/tasks/paused",
  resumed: "/tasks/resumed",
  checkpointed: "/tasks/checkpointed",
  "exec-added": "/tasks/exec-added",
  "exec-started": "/tasks/exec-started",
} as const satisfies Record<Exclude<ShimEvent["topic"], "delete">, NewEvent["topic"]>;

const statusAfter: Partial<Record<ShimEvent["topic"], TaskStatus>> = {
  create: "created",
  start: "running",
  paused: "paused",
  resumed: "running",
  exit: "stopped",
};

/** A restored container has no process before its start. */
const topicsWithPid: ReadonlySet<ShimEvent["topic"]> = new Set(["create", "start"]);

/** The change that an event of the shim makes to its task. */
export function changeBy(event: ShimEvent, row: TaskRow): TaskChange {
  const seen = { ...row, lastEvent: event.sequence };
  if (event.execId !== undefined) return { state: seen, events: published(event, row) };
  // Nothing follows an exit; after lost events the exit can be known before its own event arrives.
  if (row.status === "stopped") return { state: seen, events: [] };
  const isExit = event.topic === "exit";
  const state = {
    ...seen,
    status: statusAfter[event.topic] ?? row.status,
    pid: topicsWithPid.has(event.topic) ? (event.pid ?? row.pid) : row.pid,
    exitStatus: isExit ? (event.exitStatus ?? lostStatus) : row.exitStatus,
    exitedAt: isExit ? event.time : row.exitedAt,
    reason: isExit ? event.reason : row.reason,
  };
  return { state, events: published(event, row) };
}

/** The end of a task that no event of the shim reports. */
export function changeByExit(row: TaskRow, exit: Pick<TaskRow, "exitStatus" | "exitedAt" | "reason">): TaskChange {
  const { exitStatus = lostStatus, exitedAt, reason } = exit;
  const { namespace, containerId, pid } = row;
  const why = reason === undefined ? {} : { reason };
  const at = exitedAt === undefined ? {} : { time: exitedAt };
  const event: NewEvent = { namespace, topic: "/tasks/exit", id: containerId, pid, exitStatus, ...why, ...at };
  return {
    state: { ...row, status: "stopped", exitStatus, exitedAt, reason },
    events: row.status === "stopped" ? [] : [event],
  };
}

function published(event: ShimEvent, row: TaskRow): NewEvent[] {
  const { topic, time, execId, pid, exitStatus, reason } = event;
  if (topic === "delete") return []; // the supervisor publishes its own
  const { namespace, containerId } = row;
  return [
    {
      ...{ namespace, topic: topics[topic], id: containerId, time },
      ...(execId === undefined ? {} : { execId }),
      ...(pid === undefined ? {} : { pid }),
      ...(exitStatus === undefined ? {} : { exitStatus }),
      ...(reason === undefined ? {} : { reason }),
    },
  ];
}
