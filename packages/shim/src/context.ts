import type { Clock } from "@gantry/common/clock";
import type { EventLog, RequestOf } from "@gantry/ipc";
import type { Stdio } from "@gantry/ipc/contracts/common";
import type { shimContract, shimEvent } from "@gantry/ipc/contracts/shim";
import { JsonLineEncoder } from "@gantry/json-log/line-encoder";
import { RotatedFile } from "@gantry/json-log/rotated-file";
import type { NativeSys } from "@gantry/native-sys";
import type * as v from "valibot";
import type { ErrorLog } from "./error-log.ts";
import type { Journal } from "./journal.ts";
import { FileLog } from "./log/file-log.ts";
import { PlainEncoder } from "./log/plain.ts";
import { LogProgress } from "./log/progress.ts";
import type { Inherited } from "./process/inherited.ts";
import type { Kept } from "./process/kept.ts";
import type { StateFiles } from "./state.ts";
import type { ReadBuffer } from "./stdio/output.ts";
import { ProcessStdio } from "./stdio/stdio.ts";

/** Docker's, in non-blocking mode. */
const defaultBufferSize = 1024 * 1024;

export type ShimEvent = v.InferOutput<typeof shimEvent>;
export type CreateRequest = RequestOf<(typeof shimContract.methods)["create"]>;

/** The dependencies that all parts of a shim share. */
export interface ShimContext {
  /** The shim's own directory. */
  readonly directory: string;
  readonly sys: NativeSys;
  readonly clock: Clock;
  readonly errors: ErrorLog;
  readonly kept: Kept;
  readonly journal: Journal;
  /** Precedes the names of processes and descriptors in the keeper. */
  readonly prefix: string;
  readonly events: EventLog<ShimEvent>;
  readonly files: StateFiles;
  readonly buffer: ReadBuffer;
}

/**
 * The streams of a process.
 * @param label unique in the container: names them in the keeper, and the console socket
 * @param inherited of a process of an earlier shim; absent for one that does not exist yet
 */
export function openStdio(context: ShimContext, options: Stdio, label: string, inherited?: Inherited): ProcessStdio {
  const { sys, buffer } = context;
  const consolePath = `${context.directory}/pty-${label}.sock`;
  const { kept, prefix } = context;
  const log = openLog(context, options, inherited?.get("progress"));
  return new ProcessStdio({ sys, buffer, kept, name: `${prefix}${label}`, options, consolePath, log });
}

/** @param progressFd of the process's log, where an earlier shim wrote it */
function openLog(context: ShimContext, { log }: Stdio, progressFd: number | undefined): FileLog | undefined {
  if (!log || log.driver === "none") return undefined;
  const { driver, path, attrs, maxSize, maxFiles = 1, compress, mode } = log;
  if (path === undefined) throw new Error(`stdio.log: the ${driver} driver needs a path`);
  const onLoss = (error: Error) => context.errors.report(`log ${path}: output was lost`, error);
  const onError = (error: Error) => context.errors.report("log", error);
  const file = new RotatedFile({ path, maxSize, maxFiles, compress, onError });
  if (driver === "json-file" && progressFd === undefined) file.endLastLine();
  return new FileLog({
    file,
    clock: context.clock,
    progress: progressFd === undefined ? LogProgress.create(context.sys) : new LogProgress(progressFd),
    encoder: (target, stream, start) =>
      driver === "plain" ? new PlainEncoder(target, start) : new JsonLineEncoder(target, stream, attrs, start),
    ...(mode === "non-blocking" ? { maxBufferSize: log.maxBufferSize ?? defaultBufferSize } : {}),
    onError: onLoss,
  });
}
