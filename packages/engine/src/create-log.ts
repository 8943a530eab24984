import { destination, pino } from "pino";
import type { Log } from "./base/log.ts";

/** One line of JSON per message on standard error. */
export function createLog(level: string): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination({ fd: 2, sync: true }));
}
