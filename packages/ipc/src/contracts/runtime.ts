import * as v from "valibot";
import { absolutePath, document, empty, identifier, integer } from "./common.ts";
import { call, contract } from "./define.ts";

/**
 * Paths that the runtime opens for the process's streams: a named pipe, a file, or
 * /proc/PID/fd/N of the caller. A stream without a path is /dev/null.
 */
const streams = v.object({
  stdin: v.optional(absolutePath),
  stdout: v.optional(absolutePath),
  stderr: v.optional(absolutePath),
  /** With a terminal: the Unix socket that receives the master's descriptor. */
  consoleSocket: v.optional(absolutePath),
});

/**
 * Socket of the keeper (packages/keeper) that starts the container's process and so becomes its parent; without it the
 * process is a child of the worker's parent.
 */
const keeper = v.optional(absolutePath);

/** The commands of an OCI runtime without a process start, served by `oci-runtime worker`. Each method is the command of its name. */
export const runtimeContract = contract("runtime", 1, {
  create: call({
    doc: "As `create`. The container's first process becomes a child of the keeper.",
    request: v.object({
      root: absolutePath,
      id: identifier,
      bundle: absolutePath,
      streams,
      systemdCgroup: v.optional(v.boolean()),
      keeper,
    }),
    reply: v.object({ pid: integer }),
  }),
  start: call({ doc: "As `start`.", request: v.object({ root: absolutePath, id: identifier }), reply: empty }),
  exec: call({
    doc: "As `exec --detach`: runs an OCI process in the container; it becomes a child of the keeper.",
    request: v.object({ root: absolutePath, id: identifier, process: document, streams, keeper }),
    reply: v.object({ pid: integer }),
  }),
  kill: call({
    doc: "As `kill`.",
    request: v.object({ root: absolutePath, id: identifier, signal: integer, all: v.optional(v.boolean()) }),
    reply: empty,
  }),
  delete: call({
    doc: "As `delete`.",
    request: v.object({ root: absolutePath, id: identifier, force: v.optional(v.boolean()) }),
    reply: empty,
  }),
  state: call({
    doc: "As `state`: the OCI state document.",
    idempotent: true,
    request: v.object({ root: absolutePath, id: identifier }),
    reply: document,
  }),
  pause: call({
    doc: "As `pause`.",
    idempotent: true,
    request: v.object({ root: absolutePath, id: identifier }),
    reply: empty,
  }),
  resume: call({
    doc: "As `resume`.",
    idempotent: true,
    request: v.object({ root: absolutePath, id: identifier }),
    reply: empty,
  }),
  pids: call({
    doc: "As `ps`: ids on the host of every process.",
    idempotent: true,
    request: v.object({ root: absolutePath, id: identifier }),
    reply: v.object({ pids: v.array(integer) }),
  }),
  update: call({
    doc: "As `update -r`.",
    idempotent: true,
    request: v.object({ root: absolutePath, id: identifier, resources: document }),
    reply: empty,
  }),
  stats: call({
    doc: "The data of `events --stats`.",
    idempotent: true,
    request: v.object({ root: absolutePath, id: identifier }),
    reply: document,
  }),
});
