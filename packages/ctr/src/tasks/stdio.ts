import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { FlagTable, FlagValues } from "@gantry/cli";
import { checkInputTerminal, terminalSize } from "@gantry/cli/terminal";
import type { Stdio } from "@gantry/ipc/contracts/common";
import { CommandError, type Context } from "../command.ts";

/** Flags for the streams of a process. */
export const ioFlags = {
  "log-uri": { type: "string", value: "URI", doc: "Write all output to a file: file:///PATH" },
  "fifo-dir": { type: "string", value: "DIR", doc: "Use named pipes made in this directory" },
  detach: { type: "boolean", short: "d", doc: "Return when the process has started" },
} as const satisfies FlagTable;

type IoValues = FlagValues<typeof ioFlags> & { readonly "null-io"?: boolean };

/** The connections of a new process's streams. */
export interface StreamPlan {
  readonly stdio: Stdio;
  readonly fifoDirectory: string | undefined;
  /** This program is attached to them until the process exits. */
  readonly isAttached: boolean;
  readonly isDetached: boolean;
}

/** Derives the connections from the flags. @throws CommandError for conflicting flags, or a missing terminal */
export function planStreams(context: Context, values: IoValues, terminal: boolean): StreamPlan {
  const { detach } = values;
  const log = values["log-uri"];
  const fifoDir = values["fifo-dir"];
  const silent = values["null-io"] === true;
  if ([silent, log !== undefined, fifoDir !== undefined].filter(Boolean).length > 1) {
    throw new CommandError("only one of --null-io, --log-uri and --fifo-dir can be used");
  }
  if (terminal && (silent || log !== undefined))
    throw new CommandError("tty and null-io or log-uri cannot be used together");
  const isAttached = !detach && !silent && log === undefined;
  if (isAttached) checkInputTerminal(terminal, true);
  const size = terminal && isAttached ? terminalSize() : undefined;
  return {
    stdio: {
      terminal,
      stdin: !silent && log === undefined,
      ...(isAttached ? { stdinOnce: true } : {}),
      ...(log === undefined ? {} : { log: { driver: "plain", path: logPath(log) } as const }),
      ...(size ? { consoleSize: size } : {}),
    },
    fifoDirectory: fifoDir === undefined ? undefined : resolve(context.cwd, fifoDir),
    isAttached,
    isDetached: detach,
  };
}

function logPath(uri: string): string {
  if (uri.startsWith("/")) return uri;
  try {
    return fileURLToPath(uri);
  } catch {
    throw new CommandError(`--log-uri ${uri}: must be file:///PATH`);
  }
}
