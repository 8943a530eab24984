import { messageOf } from "@gantry/common/error-message";
import type { Container } from "./container.ts";
import { containerEvent } from "./events.ts";
import { launch } from "./start.ts";
import type { World } from "./world.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A run of this length shows that the container works: the delays start anew. */
const STEADY_MS = 10_000;

/** Whether the policy wants a container back that has just ended. */
export function shouldRestart(container: Container): boolean {
  const { hostConfig, state, restartCount, stoppedOnRequest } = container.document;
  const { Name = "no", MaximumRetryCount = 0 } = hostConfig.RestartPolicy ?? {};
  if (stoppedOnRequest || container.removing) return false;
  if (Name === "always" || Name === "unless-stopped") return true;
  if (Name !== "on-failure" || state.ExitCode === 0) return false;
  return MaximumRetryCount === 0 || restartCount < MaximumRetryCount;
}

/** Starts it again after a delay that doubles with every attempt. */
export function scheduleRestart(world: World, container: Container): void {
  const { state } = container.document;
  const ran = Date.parse(state.FinishedAt) - Date.parse(state.StartedAt);
  if (ran >= STEADY_MS) container.backoffMs = FIRST_DELAY_MS;
  const delay = container.backoffMs;
  container.backoffMs = Math.min(delay * 2, LONGEST_DELAY_MS);
  container.restartTimer = setTimeout(() => {
    restart(world, container).catch((error: unknown) => {
      world.log.warn({ id: container.id, error: messageOf(error) }, "restarting by policy");
    });
  }, delay);
}

function restart(world: World, container: Container): Promise<void> {
  return container.lock.run(async () => {
    const { state } = container.document;
    container.restartTimer = undefined;
    if (!state.Restarting || container.removing) return;
    container.document.restartCount++;
    try {
      await launch(world, container);
    } catch (error) {
      if (!shouldRestart(container)) throw error;
      Object.assign(state, { Running: true, Restarting: true });
      scheduleRestart(world, container);
      throw error;
    } finally {
      world.registry.save(container);
    }
    containerEvent(world, container, "restart");
  });
}

/** Gives up a restart that was to come. */
export function cancelRestart(world: World, container: Container): void {
  clearTimeout(container.restartTimer);
  container.restartTimer = undefined;
  Object.assign(container.document.state, { Running: false, Restarting: false });
  world.registry.save(container);
}
