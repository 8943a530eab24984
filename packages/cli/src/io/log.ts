import type { Output } from "./output.ts";

export const logLevels = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof logLevels)[number];

/** The program's own messages, on stderr. */
export interface Log {
  readonly debugging: boolean;
  debug(text: string): void;
  /** "WARNING: …" */
  warn(text: string): void;
}

/** A log that drops messages below its level. */
export function createLog(out: Output, level: LogLevel): Log {
  const shows = (wanted: LogLevel): boolean => logLevels.indexOf(wanted) >= logLevels.indexOf(level);
  return {
    debugging: shows("debug"),
    debug: (text) => {
      if (shows("debug")) out.printError(`DEBUG: ${text}`);
    },
    warn: (text) => {
      if (shows("warn")) out.printError(`WARNING: ${text}`);
    },
  };
}
