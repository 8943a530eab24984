import { type Runtime, runtime } from "@gantry/ipc/contracts/common";
import type { Database } from "./database.ts";
import { jsonColumns, type Row } from "./rows.ts";

const json = jsonColumns("tasks", ["namespace", "container_id"]);

/** creating: the request to the shim is not answered yet. All other values come from the shim. */
export type TaskStatus = "creating" | "created" | "running" | "paused" | "stopped";

export interface TaskRow {
  readonly namespace: string;
  readonly containerId: string;
  readonly shimDirectory: string;
  readonly shimAddress: string;
  readonly shimPid: number;
  readonly runtime: Runtime;
  readonly terminal: boolean;
  readonly status: TaskStatus;
  readonly pid: number;
  /** Sequence number of the last event of the shim that was processed. */
  readonly lastEvent: number;
  readonly exitStatus: number | undefined;
  readonly exitedAt: string | undefined;
  /** Why the task ended, where the exit status does not show it. */
  readonly reason: string | undefined;
}

export type TaskState = Pick<TaskRow, "status" | "pid" | "lastEvent" | "exitStatus" | "exitedAt" | "reason">;

export class TaskTable {
  readonly #all;
  readonly #has;
  readonly #insert;
  readonly #update;
  readonly #delete;

  constructor(db: Database) {
    this.#all = db.prepare("SELECT * FROM tasks");
    this.#has = db.prepare("SELECT 1 FROM tasks WHERE namespace = ? AND container_id = ?");
    this.#insert = db.prepare(`
      INSERT INTO tasks (namespace, container_id, shim_directory, shim_address, shim_pid, runtime, terminal,
        status, pid, last_event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#update = db.prepare(`
      UPDATE tasks SET status = ?, pid = ?, last_event = ?, exit_status = ?, exited_at = ?, reason = ?
      WHERE namespace = ? AND container_id = ?`);
    this.#delete = db.prepare("DELETE FROM tasks WHERE namespace = ? AND container_id = ?");
  }

  all(): TaskRow[] {
    return this.#all.all().map(toTask);
  }

  has(namespace: string, containerId: string): boolean {
    return this.#has.get(namespace, containerId) !== undefined;
  }

  insert(task: TaskRow): void {
    const { namespace, containerId, shimDirectory, shimAddress, shimPid, status, pid, lastEvent } = task;
    const [runtimeText, terminal] = [JSON.stringify(task.runtime), task.terminal ? 1 : 0];
    this.#insert.run(
      ...[namespace, containerId, shimDirectory, shimAddress, shimPid, runtimeText, terminal, status, pid, lastEvent],
    );
  }

  update(namespace: string, containerId: string, state: TaskState): void {
    const { status, pid, lastEvent, exitStatus, exitedAt, reason } = state;
    const end = [exitStatus ?? null, exitedAt ?? null, reason ?? null] as const;
    this.#update.run(status, pid, lastEvent, ...end, namespace, containerId);
  }

  delete(namespace: string, containerId: string): boolean {
    return this.#delete.run(namespace, containerId).changes > 0;
  }
}

function toTask(row: Row): TaskRow {
  return {
    namespace: String(row.namespace),
    containerId: String(row.container_id),
    shimDirectory: String(row.shim_directory),
    shimAddress: String(row.shim_address),
    shimPid: Number(row.shim_pid),
    runtime: json.read(row, "runtime", runtime),
    terminal: row.terminal === 1,
    status: row.status as TaskStatus,
    pid: Number(row.pid),
    lastEvent: Number(row.last_event),
    exitStatus: row.exit_status === null ? undefined : Number(row.exit_status),
    exitedAt: row.exited_at === null ? undefined : String(row.exited_at),
    reason: row.reason === null ? undefined : String(row.reason),
  };
}
