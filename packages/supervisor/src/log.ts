import pino from "pino";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];
export type Log = Pick<pino.Logger, "debug" | "info" | "warn" | "error">;

/** One JSON object per line on standard error, written synchronously so that a crash loses no line. */
export function makeLog(level: LogLevel): Log {
  const base = { name: "supervisor" };
  return pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}
