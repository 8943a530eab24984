import { appendFileSync } from "node:fs";
import type { Clock } from "./clock.ts";

/** Failures that no caller sees, one JSON object a line in the shim's directory; the file is made by the first one. */
export class ErrorLog {
  readonly #path: string;
  readonly #clock: Clock;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  report(what: string, error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const line = { time: this.#clock.now(), level: "error", msg: `${what}: ${message}` };
    try {
      appendFileSync(this.#path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    } catch {
      // There is nowhere left to say it.
    }
  }
}
