import type { Tasks } from "../../supervisor/tasks.ts";
import type { EventHub } from "../../system/event-hub.ts";
import type { Container } from "../container.ts";
import { containerEvent } from "../events.ts";
import type { Registry } from "../registry.ts";
import { admit } from "./table.ts";

export interface PauseDeps {
  readonly registry: Registry;
  readonly tasks: Tasks;
  readonly events: EventHub;
}

/** Freezes all processes. @throws RpcError FailedPrecondition unless it runs and is not paused */
export function pauseContainer(deps: PauseDeps, container: Container): Promise<void> {
  return container.lifecycle.exclusive(async () => {
    admit("pause", container);
    await deps.tasks.pause(container.id);
    container.document.state.Paused = true;
    deps.registry.save(container);
    containerEvent(deps, container, "pause");
  });
}

/** Thaws them. @throws RpcError FailedPrecondition unless it is paused */
export function unpauseContainer(deps: PauseDeps, container: Container): Promise<void> {
  return container.lifecycle.exclusive(async () => {
    admit("unpause", container);
    await deps.tasks.resume(container.id);
    container.document.state.Paused = false;
    deps.registry.save(container);
    containerEvent(deps, container, "unpause");
  });
}
