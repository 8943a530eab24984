/** The daemon's log; one line per message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Drops everything; for tests of parts. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
