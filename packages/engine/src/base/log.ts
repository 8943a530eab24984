/** What the engine tells whoever runs it; one line per message. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Swallows everything; for tests of parts. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
