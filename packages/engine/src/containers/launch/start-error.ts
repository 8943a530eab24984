import { messageOf } from "@gantry/common/error-message";
import { isRpcError, RpcError, reasonOf } from "@gantry/ipc";
import { exitCodeFor } from "../../supervisor/runtime-failure.ts";
import type { ContainerDocument } from "../document.ts";

/** Docker's hint for when a file is mounted on a directory, or the other way round. */
const mountHint =
  ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type";

/**
 * Puts a failed start into the container's state, with the exit code that `run` ends with.
 * @param prepared the failure came after the preparation, that is from the supervisor or the OCI runtime
 * @returns the error for the caller, with Docker's message
 */
export function startError(document: ContainerDocument, error: unknown, prepared: boolean): RpcError {
  const text = messageOf(error);
  const exitCode = exitCodeFor(error);
  const reason = reasonOf(error);
  // Users are looked up before the runtime is started; a network has messages of its own.
  const fromRuntime = prepared && isRpcError(error) && reason !== "UserNotFound" && reason !== "GroupNotFound";
  const hint = reason === "MountTypeMismatch" ? mountHint : "";
  const message = fromRuntime ? `failed to create task for container: ${text}${hint}` : text;
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
