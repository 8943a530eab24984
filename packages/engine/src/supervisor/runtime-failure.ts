import { reasonOf } from "@gantry/ipc";

/** Exit code of a process that could not be started, as Docker: 127 when the command does not exist, 126 when it cannot be executed. */
export function exitCodeFor(error: unknown): number {
  switch (reasonOf(error)) {
    case "ExecutableNotFound":
      return 127;
    case "ExecutableNotPermitted":
      return 126;
    default:
      return 128;
  }
}
