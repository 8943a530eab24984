import type { Container } from "../container.ts";
import { type LaunchDeps, launch } from "../launch/launch.ts";
import { type RemoveDeps, removeUnstarted } from "./remove.ts";
import { admit } from "./table.ts";

export interface StartDeps extends LaunchDeps, RemoveDeps {}

/**
 * Starts a container on request; does nothing when it runs.
 * @param consoleSize height and width of its terminal; undefined: those of the last start
 * @throws RpcError FailedPrecondition for a paused container or one being removed; the OCI runtime's error otherwise
 */
export function startContainer(
  deps: StartDeps,
  container: Container,
  consoleSize?: readonly [height: number, width: number],
): Promise<void> {
  return container.lifecycle.exclusive(async () => {
    if (admit("start", container) === "skip") return;
    const { document } = container;
    if (consoleSize) Object.assign(document.hostConfig, { ConsoleSize: [...consoleSize] });
    document.restartCount = 0;
    document.restartDelayMs = undefined;
    try {
      await launch(deps, container);
    } catch (error) {
      // As Docker: no exit will follow that could remove it.
      if (document.hostConfig.AutoRemove) removeUnstarted(deps, container);
      throw error;
    }
  });
}
