import { reasonOf } from "@gantry/ipc";

/** Exit code of a process that could not be started, as Docker: 127 without a command, 126 for one that cannot be run. */
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
