import type { EventLog, RequestOf } from "@gantry/ipc";
import type { Stdio } from "@gantry/ipc/contracts/common";
import type { shimContract, shimEvent } from "@gantry/ipc/contracts/shim";
import type { NativeSys } from "@gantry/native-sys";
import type * as v from "valibot";
import type { Clock } from "./clock.ts";
import type { ErrorLog } from "./error-log.ts";
import { RotatedFile } from "./log/file.ts";
import { JsonFileLog } from "./log/json-file.ts";
import type { Reaper } from "./process/reaper.ts";
import type { StateFiles } from "./state.ts";
import type { ReadBuffer } from "./stdio/output.ts";
import { ProcessStdio } from "./stdio/stdio.ts";

export type ShimEvent = v.InferOutput<typeof shimEvent>;
export type CreateRequest = RequestOf<(typeof shimContract.methods)["create"]>;

/** What all parts of a shim share. */
export interface ShimContext {
  /** The shim's own directory. */
  readonly directory: string;
  readonly sys: NativeSys;
  readonly clock: Clock;
  readonly errors: ErrorLog;
  readonly reaper: Reaper;
  readonly events: EventLog<ShimEvent>;
  readonly files: StateFiles;
  readonly buffer: ReadBuffer;
}

/** The streams of a process to be. @param label unique among the container's processes: names its console socket */
export function openStdio(context: ShimContext, options: Stdio, label: string): ProcessStdio {
  const { sys, buffer } = context;
  const consolePath = `${context.directory}/pty-${label}.sock`;
  return new ProcessStdio({ sys, buffer, options, consolePath, log: openLog(context, options) });
}

function openLog(context: ShimContext, options: Stdio): JsonFileLog | undefined {
  const { log } = options;
  if (log?.driver !== "json-file") return undefined;
  if (log.path === undefined) throw new Error("stdio.log: the json-file driver needs a path");
  const file = new RotatedFile({ path: log.path, maxSize: log.maxSize, maxFiles: log.maxFiles ?? 1 });
  const onError = (error: Error) => context.errors.report(`log ${log.path}: output was lost`, error);
  return new JsonFileLog({ file, clock: context.clock, attrs: log.attrs, onError });
}
