import { conflict } from "../base/errors.ts";
import type { Container } from "./container.ts";
import { containerEvent } from "./events.ts";
import type { World } from "./world.ts";

/** Freezes all processes. @throws RpcError FailedPrecondition unless it runs and is not paused */
export function pauseContainer(world: World, container: Container): Promise<void> {
  return container.lock.run(async () => {
    const { document } = container;
    if (!document.state.Running) throw conflict(`Container ${document.id} is not running`);
    if (document.state.Restarting)
      throw conflict(`Container ${document.id} is restarting, wait until the container is running`);
    if (document.state.Paused) throw conflict(`Container ${document.id} is already paused`);
    await world.supervisor.call("tasks.pause", { containerId: document.id });
    document.state.Paused = true;
    world.registry.save(container);
    containerEvent(world, container, "pause");
  });
}

/** Thaws them. @throws RpcError FailedPrecondition unless it is paused */
export function unpauseContainer(world: World, container: Container): Promise<void> {
  return container.lock.run(async () => {
    const { document } = container;
    if (!document.state.Paused) throw conflict(`Container ${document.id} is not paused`);
    await world.supervisor.call("tasks.resume", { containerId: document.id });
    document.state.Paused = false;
    world.registry.save(container);
    containerEvent(world, container, "unpause");
  });
}
