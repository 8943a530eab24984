import * as v from "valibot";
import { absolutePath, exitStatus, identifier, integer, runtime, timestamp } from "../contracts/common.ts";
import { formatVersion } from "./document.ts";

/**
 * The directory of a shim, mode 0700, which its supervisor creates. Each file is written by one of the two and read by
 * the other. The JSON documents are replaced as a whole by rename(2).
 */
export const shimFiles = {
  /** The shim's socket. */
  socket: "shim.sock",
  /** The shim's steps, one JSON object a line, for the next shim of the container (shim/src/journal.ts). */
  journal: "journal",
  /** The socket of the container's keeper (packages/keeper); made by the shim. */
  keeper: "keeper.sock",
  /** A TaskDocument: written by the shim before the runtime's create, again with `pid` after it, removed if that fails. */
  task: "task.json",
  /** An ExitDocument: written by the shim before it publishes the exit. */
  exit: "exit.json",
  /** Errors that no caller sees, one JSON object a line; written by the shim. */
  log: "shim.log",
  /** The shim's standard error; opened by the supervisor. */
  stderr: "stderr",
  /** Directories of named pipes, for their removal (formats/fifos.ts); written by the supervisor. */
  fifos: "fifos",
} as const;

/** The endpoint that a shim serves. */
export function shimEndpoint(directory: string): string {
  return `ipc://${directory}/${shimFiles.socket}`;
}

/** The path of the keeper's socket. */
export function keeperPath(directory: string): string {
  return `${directory}/${shimFiles.keeper}`;
}

/**
 * The container of a shim. With a shim that died, `PATH [ARGS] --root ROOT delete --force ID` of the runtime removes
 * the container.
 */
export const taskDocument = v.object({
  version: formatVersion,
  id: identifier,
  namespace: identifier,
  bundle: absolutePath,
  runtime,
  shimPid: integer,
  /** The container's first process; absent while the runtime creates it. */
  pid: v.optional(integer),
});
export type TaskDocument = v.InferOutput<typeof taskDocument>;

/** How the container's first process ended; absent when the shim died before it. */
export const exitDocument = v.object({
  version: formatVersion,
  id: identifier,
  pid: integer,
  exitStatus,
  exitedAt: timestamp,
});
export type ExitDocument = v.InferOutput<typeof exitDocument>;
