import { messageOf } from "@gantry/common/error-message";
import { isRpcError, RpcError } from "@gantry/ipc";
import { exitCodeFor } from "../../supervisor/runtime-failure.ts";
import type { ContainerDocument } from "../document.ts";

/**
 * Puts a failed start into the container's state, with the exit code that `run` ends with.
 * @param prepared the failure came after the preparation, that is from the supervisor or the OCI runtime
 * @returns the error for the caller, with Docker's message
 */
export function startError(document: ContainerDocument, error: unknown, prepared: boolean): RpcError {
  const text = messageOf(error);
  const exitCode = exitCodeFor(text, [...(document.config.Entrypoint ?? []), ...(document.config.Cmd ?? [])][0] ?? "");
  // Users are looked up before the runtime is started; a network has messages of its own.
  const fromRuntime = prepared && isRpcError(error) && !/^unable to find (user|group) /.test(text);
  const message = fromRuntime ? `failed to create task for container: ${text}${mountHint(text)}` : text;
  Object.assign(document.state, {
    Running: false,
    Restarting: false,
    Pid: 0,
    ExitCode: exitCode,
    Error: message,
  });
  const code = isRpcError(error) ? error.code : "Internal";
  return new RpcError(code, message, { ExitCode: exitCode }, { cause: error });
}

/** Where to look when a file is mounted on a directory, or the other way round. */
function mountHint(text: string): string {
  const mismatch = /^binding .+ to .+(EINVAL|ENOTDIR)/.test(text) || /mounting .*not a directory/.test(text);
  return mismatch
    ? ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type"
    : "";
}
