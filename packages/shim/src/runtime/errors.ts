import { type ErrorCode, RpcError } from "@gantry/ipc";

/**
 * What OCI runtimes say on their command line has no codes, only words: this is the one place that reads them.
 * The words of runc, crun and youki.
 */
const meanings: readonly (readonly [RegExp, ErrorCode])[] = [
  [/container .*does not exist|no such container|container not found/i, "NotFound"],
  [/already exists|given ID already/i, "AlreadyExists"],
  [
    /not running|not paused|already (finished|stopped|paused|running)|cannot \w+ a? ?(stopped|paused)/i,
    "FailedPrecondition",
  ],
  [
    /executable file .*not found|exec(ve)?[ :].*(no such file|permission denied|is a directory|format error)/i,
    "InvalidArgument",
  ],
  [/operation not permitted/i, "PermissionDenied"],
];

/** A runtime's complaint as an error with its message kept. */
export function runtimeError(command: string, message: string): RpcError {
  const code = meanings.find(([words]) => words.test(message))?.[1] ?? "Internal";
  return new RpcError(code, `OCI runtime ${command} failed: ${message}`);
}

/** The last error in a runtime's JSON log (`--log-format json`): one object a line with `level` and `msg`. */
export function lastLoggedError(log: string): string | undefined {
  for (const line of log.trimEnd().split("\n").reverse()) {
    const message = messageOf(line);
    if (message) return message;
  }
  return undefined;
}

function messageOf(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== "object" || entry === null) return undefined;
    const { level, msg } = entry as { level?: unknown; msg?: unknown };
    return typeof msg === "string" && (level === "error" || level === "fatal") ? msg.trim() : undefined;
  } catch {
    return undefined; // not every line of every runtime is JSON
  }
}
