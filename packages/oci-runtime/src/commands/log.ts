import { appendFileSync } from "node:fs";
import { UsageError } from "@gantry/cli";
import { writeNow } from "@gantry/cli/output";
import type { ErrorCode, ErrorReason } from "@gantry/ipc/contracts/errors";

type Level = "debug" | "warning" | "error";

/** Fields that the JSON format adds to runc's: callers decide by them and not by the text. */
export interface ErrorFields {
  readonly code: ErrorCode;
  readonly reason?: ErrorReason;
}

/** The file of --log, in the two formats of runc, which callers read back for the reason of a failure. */
export class Log {
  readonly #path: string | undefined;
  readonly #json: boolean;
  readonly #debug: boolean;

  /** The file is there from now on. @throws UsageError */
  constructor(path: string | undefined, json: boolean, debug: boolean) {
    this.#path = path || undefined;
    this.#json = json;
    this.#debug = debug;
    if (!this.#path) return;
    try {
      appendFileSync(this.#path, "", { mode: 0o644 });
    } catch (error) {
      throw new UsageError(`--log: ${(error as Error).message}`);
    }
  }

  debug(message: string): void {
    if (this.#debug) this.#write("debug", message);
  }

  warn(message: string): void {
    this.#write("warning", message);
  }

  /** To the file and, as it ends the command, to standard error. */
  error(message: string, fields?: ErrorFields): void {
    if (this.#path) this.#write("error", message, fields);
    writeNow(2, `${this.#line("error", message, fields)}\n`);
  }

  #write(level: Level, message: string, fields?: ErrorFields): void {
    const line = `${this.#line(level, message, fields)}\n`;
    if (this.#path) appendFileSync(this.#path, line);
    else writeNow(2, line);
  }

  #line(level: Level, message: string, fields?: ErrorFields): string {
    const time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    if (this.#json) return JSON.stringify({ level, msg: message, time, ...fields });
    return `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}`;
  }
}
