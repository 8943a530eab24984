import { asErrorCode, asErrorReason, RpcError } from "@gantry/ipc";
import { type Meaning, meaningOf } from "./foreign-errors.ts";

/** The last error that a runtime has logged. */
export interface LoggedError {
  readonly message: string;
  /** As our own runtime reports it; foreign ones have text alone. */
  readonly meaning: Meaning | undefined;
}

/** A runtime's failure as an error with its message kept. */
export function runtimeError(command: string, { message, meaning }: LoggedError): RpcError {
  const { code, reason } = meaning ?? meaningOf(message);
  const data = reason === undefined ? undefined : { reason };
  return new RpcError(code, `OCI runtime ${command} failed: ${message}`, data);
}

/** An answer that a runtime must not give. */
export function malformedAnswer(command: string, problem: string): RpcError {
  return new RpcError("Internal", `OCI runtime ${command} failed: ${problem}`);
}

/** The last error in a runtime's JSON log (`--log-format json`): one object a line with `level` and `msg`. */
export function lastLoggedError(log: string): LoggedError | undefined {
  for (const line of log.trimEnd().split("\n").reverse()) {
    const logged = parseLine(line);
    if (logged) return logged;
  }
  return undefined;
}

function parseLine(line: string): LoggedError | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined; // not every line of every runtime is JSON
  }
  if (typeof entry !== "object" || entry === null) return undefined;
  const { level, msg, code, reason } = entry as Readonly<Record<string, unknown>>;
  if (typeof msg !== "string" || msg.trim() === "" || (level !== "error" && level !== "fatal")) return undefined;
  return { message: msg.trim(), meaning: meaningIn(code, reason) };
}

function meaningIn(code: unknown, reason: unknown): Meaning | undefined {
  const known = asErrorCode(code);
  if (known === undefined) return undefined;
  const why = asErrorReason(reason);
  return why === undefined ? { code: known } : { code: known, reason: why };
}
