import * as v from "valibot";
import { formatVersion } from "../formats/document.ts";
import {
  absolutePath,
  attachInput,
  attachOptions,
  checkpointOptions,
  document,
  empty,
  exitStatus,
  firstEvent,
  identifier,
  integer,
  metrics,
  outputItem,
  processInfo,
  processStatus,
  runtime,
  stdio,
  timestamp,
} from "./common.ts";
import { call, contract, stream } from "./define.ts";

/** Names a process of the shim's container: without execId its first one. */
const processId = v.object({ execId: v.optional(identifier) });

export const exit = v.object({ exitStatus, exitedAt: timestamp });

/** An event of the container. `sequence` counts from 1 and has no gaps. */
export const shimEvent = v.object({
  sequence: integer,
  time: timestamp,
  topic: v.picklist([
    "create",
    "start",
    "exec-added",
    "exec-started",
    "exit",
    "oom",
    "paused",
    "resumed",
    "checkpointed",
    "delete",
  ]),
  id: v.string(),
  execId: v.optional(v.string()),
  pid: v.optional(integer),
  exitStatus: v.optional(exitStatus),
  /** Why the exit status is not the process's own: its keeper died. */
  reason: v.optional(v.string()),
});

/** containerd's task API, served by one shim for one container. */
export const shimContract = contract("shim", 1, {
  create: call({
    doc: "Runs the OCI runtime's create on a bundle. The container's first process exists and waits for start; the shim owns its streams. With checkpoint there is no process (pid 0) until start restores it.",
    request: v.object({
      id: identifier,
      namespace: identifier,
      bundle: absolutePath,
      runtime,
      stdio,
      /** Directory of images to restore from. */
      checkpoint: v.optional(absolutePath),
    }),
    reply: v.object({ pid: integer }),
  }),
  start: call({
    doc: "Starts the created process, or an added exec. Exits are published after the start.",
    request: processId,
    reply: v.object({ pid: integer }),
  }),
  exec: call({
    doc: "Adds a process (an OCI process object) to the running container; start runs it.",
    request: v.object({ execId: identifier, process: document, stdio }),
    reply: empty,
  }),
  state: call({
    doc: "State of a process.",
    idempotent: true,
    request: processId,
    reply: v.object({
      id: v.string(),
      execId: v.optional(v.string()),
      bundle: v.string(),
      pid: integer,
      status: processStatus,
      terminal: v.boolean(),
      exitStatus: v.optional(exitStatus),
      exitedAt: v.optional(timestamp),
    }),
  }),
  kill: call({
    doc: "Sends a signal to a process, or with all to every process of the container.",
    request: v.object({ execId: v.optional(identifier), signal: integer, all: v.optional(v.boolean()) }),
    reply: empty,
  }),
  pause: call({ doc: "Freezes the container.", idempotent: true, request: empty, reply: empty }),
  resume: call({ doc: "Thaws the container.", idempotent: true, request: empty, reply: empty }),
  pids: call({
    doc: "Every process of the container.",
    idempotent: true,
    request: empty,
    reply: v.object({ processes: v.array(processInfo) }),
  }),
  resizePty: call({
    doc: "Sets the size of a process's terminal, in characters.",
    idempotent: true,
    request: v.object({ execId: v.optional(identifier), width: integer, height: integer }),
    reply: empty,
  }),
  closeIO: call({ doc: "Closes a process's standard input.", idempotent: true, request: processId, reply: empty }),
  update: call({
    doc: "Changes the container's cgroup limits (an OCI linux.resources object).",
    idempotent: true,
    request: v.object({ resources: document }),
    reply: empty,
  }),
  stats: call({
    doc: "Statistics of the cgroup, in the form of the data of `runc events --stats`.",
    idempotent: true,
    request: empty,
    reply: document,
  }),
  metrics: call({
    doc: "Statistics of the cgroup, read by the shim.",
    idempotent: true,
    request: empty,
    reply: metrics,
  }),
  checkpoint: call({
    doc: "Runs the OCI runtime's checkpoint. Unimplemented or FailedPrecondition where it cannot.",
    request: v.object(checkpointOptions),
    reply: empty,
  }),
  wait: call({
    doc: "Waits for the end of a process; answers at once if it has ended.",
    idempotent: true,
    request: processId,
    reply: exit,
  }),
  delete: call({
    doc: "Removes an ended process: with execId the exec, without it the container in the runtime.",
    request: processId,
    reply: v.object({ pid: integer, exitStatus, exitedAt: timestamp }),
  }),
  connect: call({
    doc: "The container and processes of this shim.",
    idempotent: true,
    request: empty,
    reply: v.object({
      shimPid: integer,
      taskPid: v.optional(integer),
      id: v.optional(v.string()),
      version: v.string(),
    }),
  }),
  shutdown: call({
    doc: "Ends the shim; with a container that was not deleted FailedPrecondition, unless now.",
    request: v.object({ now: v.optional(v.boolean()) }),
    reply: empty,
  }),
  attach: stream({
    doc: "Output of a process from now on, and its standard input. Ends with the exit of the process, once its output is drained. Any number of clients may be attached; each gets all of the output. In blocking mode (the default) a slow reader slows the process.",
    request: v.object({ execId: v.optional(identifier), ...attachOptions }),
    item: outputItem,
    input: attachInput,
    reply: v.object({ exitStatus: v.optional(exitStatus) }),
  }),
  events: stream({
    doc: "Events from a sequence number on (0: all that are kept; absent: new events only), then as they are published. FailedPrecondition with data.oldest and data.last when older ones are no longer kept.",
    request: v.object({ from: firstEvent }),
    item: shimEvent,
    input: v.never(),
    reply: empty,
  }),
});

/** The line of JSON that a shim prints on its standard output once its socket listens; `version` is the program's. */
export const shimReady = v.object({ address: v.string(), pid: integer, version: v.string() });
/**
 * The line of JSON that a shim reads from its standard input, a pipe. The pipe is then the lease of a shim without a
 * container (a standby): the supervisor keeps it open until `create` has succeeded. If it is closed before that, the
 * shim ends and removes its directory; a create under way is finished first, and if it succeeds the shim stays. After
 * a create the shim has closed its end of the pipe.
 */
export const shimBootstrap = v.object({
  version: formatVersion,
  /** The shim's directory (formats/shim-directory.ts). */
  directory: absolutePath,
  /** The OCI runtime that is most likely requested: its worker is started ahead of the first create. */
  standbyRuntime: v.optional(runtime),
  /** The directory is that of a shim that died: its container, which lives on in its keeper, is taken over. */
  adopt: v.optional(v.boolean()),
});
export type ShimBootstrap = v.InferOutput<typeof shimBootstrap>;
