import * as v from "valibot";
import {
  attachInput,
  document,
  empty,
  exitStatus,
  identifier,
  integer,
  outputItem,
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
});
export type Task = v.InferOutput<typeof task>;

export const tasks = {
  "tasks.create": call({
    doc: "Mounts the root file system, writes the bundle, takes a shim and runs the OCI runtime's create.",
    request: v.object({ ...ofContainer, stdio }),
    reply: v.object({ pid: integer }),
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
    }),
    reply: empty,
  }),
  "tasks.kill": call({
    doc: "Sends a signal.",
    request: v.object({ ...ofProcess, signal: integer, all: v.optional(v.boolean()) }),
    reply: empty,
  }),
  "tasks.pause": call({ doc: "Freezes.", idempotent: true, request: v.object(ofContainer), reply: empty }),
  "tasks.resume": call({ doc: "Thaws.", idempotent: true, request: v.object(ofContainer), reply: empty }),
  "tasks.pids": call({
    doc: "Ids on the host of its processes.",
    idempotent: true,
    request: v.object(ofContainer),
    reply: v.object({ pids: v.array(integer) }),
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
    doc: "Figures of its cgroup.",
    idempotent: true,
    request: v.object(ofContainer),
    reply: document,
  }),
  "tasks.wait": call({
    doc: "Waits for the end of a task or exec; at once if it has ended.",
    idempotent: true,
    request: v.object(ofProcess),
    reply: v.object({ exitStatus, exitedAt: timestamp }),
  }),
  "tasks.delete": call({
    doc: "Removes an ended task (with execId: the exec): its shim, bundle, mount. Works with the shim dead.",
    request: v.object(ofProcess),
    reply: v.object({ exitStatus, exitedAt: timestamp }),
  }),
  "tasks.attach": stream({
    doc: "As the shim's attach.",
    request: v.object({ ...ofProcess, stdin: v.boolean(), stdout: v.boolean(), stderr: v.boolean() }),
    item: outputItem,
    input: attachInput,
    reply: v.object({ exitStatus: v.optional(exitStatus) }),
  }),
};
