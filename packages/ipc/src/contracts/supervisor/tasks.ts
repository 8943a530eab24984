import * as v from "valibot";
import {
  absolutePath,
  attachInput,
  attachOptions,
  checkpointOptions,
  document,
  empty,
  exitStatus,
  identifier,
  integer,
  metrics,
  outputItem,
  processInfo,
  processStatus,
  stdio,
  timestamp,
} from "../common.ts";
import { call, stream } from "../define.ts";
import { inNamespace, ofContainer, ofProcess } from "./scope.ts";

export const task = v.object({
  containerId: identifier,
  execId: v.optional(identifier),
  pid: integer,
  status: processStatus,
  terminal: v.boolean(),
  exitStatus: v.optional(exitStatus),
  exitedAt: v.optional(timestamp),
  /** The reason of its end where the exit status does not show it: its shim died. */
  reason: v.optional(v.string()),
});
export type Task = v.InferOutput<typeof task>;

/** Named pipes that were created (formats/fifos.ts); a terminal has no stderr. */
const fifos = v.object({
  stdin: v.optional(absolutePath),
  stdout: absolutePath,
  stderr: v.optional(absolutePath),
});
/**
 * A directory to create named pipes in, DIRECTORY/RANDOM/ID-stdin|stdout|stderr (ID: the exec's or the container's),
 * which the streams then use, stdin only where `stdio.stdin` is set. They are removed with the process.
 */
const fifoDirectory = v.optional(absolutePath);

export const tasks = {
  "tasks.create": call({
    doc: "Mounts the root file system, writes the bundle, starts a shim or takes a standby, and runs the OCI runtime's create.",
    request: v.object({
      ...ofContainer,
      stdio,
      fifoDirectory,
      /** Directory of a checkpoint's images: start restores from it, and the pid is 0 until then. */
      checkpoint: v.optional(absolutePath),
    }),
    reply: v.object({ pid: integer, fifos: v.optional(fifos) }),
  }),
  "tasks.start": call({
    doc: "Starts the created task or an added exec.",
    request: v.object(ofProcess),
    reply: v.object({ pid: integer }),
  }),
  "tasks.get": call({ doc: "State of a task or exec.", idempotent: true, request: v.object(ofProcess), reply: task }),
  "tasks.list": call({
    doc: "All tasks (without execs).",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ tasks: v.array(task) }),
  }),
  "tasks.exec": call({
    doc: "Adds a process to a running task; start runs it.",
    request: v.object({
      ...ofContainer,
      execId: identifier,
      process: document,
      /** As container.user. */ user: v.string(),
      stdio,
      fifoDirectory,
    }),
    reply: v.object({ fifos: v.optional(fifos) }),
  }),
  "tasks.kill": call({
    doc: "Sends a signal.",
    request: v.object({ ...ofProcess, signal: integer, all: v.optional(v.boolean()) }),
    reply: empty,
  }),
  "tasks.pause": call({ doc: "Freezes a task.", idempotent: true, request: v.object(ofContainer), reply: empty }),
  "tasks.resume": call({ doc: "Thaws a task.", idempotent: true, request: v.object(ofContainer), reply: empty }),
  "tasks.pids": call({
    doc: "The process ids of a task on the host.",
    idempotent: true,
    request: v.object(ofContainer),
    reply: v.object({ processes: v.array(processInfo) }),
  }),
  "tasks.resizePty": call({
    doc: "Sets a terminal's size.",
    idempotent: true,
    request: v.object({ ...ofProcess, width: integer, height: integer }),
    reply: empty,
  }),
  "tasks.closeIO": call({
    doc: "Closes a process's stdin.",
    idempotent: true,
    request: v.object(ofProcess),
    reply: empty,
  }),
  "tasks.update": call({
    doc: "Changes cgroup limits.",
    idempotent: true,
    request: v.object({ ...ofContainer, resources: document }),
    reply: empty,
  }),
  "tasks.stats": call({
    doc: "Statistics of a task's cgroup in the form of the data of `runc events --stats`.",
    idempotent: true,
    request: v.object(ofContainer),
    reply: document,
  }),
  "tasks.metrics": call({
    doc: "Statistics of a task's cgroup in the fields of containerd's metrics.",
    idempotent: true,
    request: v.object(ofContainer),
    reply: metrics,
  }),
  "tasks.checkpoint": call({
    doc: "Freezes a running task into files by the OCI runtime's checkpoint. With exit the task then ends.",
    request: v.object({ ...ofContainer, ...checkpointOptions }),
    reply: empty,
  }),
  "tasks.wait": call({
    doc: "Waits for the end of a task or exec, started or not; at once if it has ended.",
    idempotent: true,
    request: v.object(ofProcess),
    reply: v.object({ exitStatus, exitedAt: timestamp }),
  }),
  "tasks.delete": call({
    doc: "Removes an ended task (with execId: the exec): its shim, bundle and mount. Works without the shim, too.",
    request: v.object(ofProcess),
    reply: v.object({ exitStatus, exitedAt: timestamp }),
  }),
  "tasks.attach": stream({
    doc: "Attaches to a process's streams, as the shim's attach.",
    request: v.object({ ...ofProcess, ...attachOptions }),
    item: outputItem,
    input: attachInput,
    reply: v.object({ exitStatus: v.optional(exitStatus) }),
  }),
};
