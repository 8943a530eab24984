import { appendFileSync } from "node:fs";
import type { Clock } from "@gantry/common/clock";

/** Errors that no caller sees, one JSON object a line in the shim's directory; the first error creates the file. */
export class ErrorLog {
  readonly #path: string;
  readonly #clock: Clock;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** @param context the operation that failed */
  report(context: string, error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const line = { time: this.#clock.now(), level: "error", msg: `${context}: ${message}` };
    try {
      appendFileSync(this.#path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    } catch {
      // The error has no other place to be reported.
    }
  }
}
