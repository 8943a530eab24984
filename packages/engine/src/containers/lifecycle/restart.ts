import type { Container } from "../container.ts";
import { containerEvent } from "../events.ts";
import type { Admission } from "./admission.ts";
import { type StartDeps, startContainer } from "./start.ts";
import { type StopDeps, type StopOptions, stopContainer } from "./stop.ts";
import { admit } from "./table.ts";

export interface RestartDeps extends StartDeps, StopDeps {
  readonly admission: Admission;
}

/** Stops a container where it runs, and starts it; one with AutoRemove stays for its next run. */
export async function restartContainer(deps: RestartDeps, container: Container, options: StopOptions): Promise<void> {
  const { document, lifecycle } = container;
  deps.admission.check();
  await lifecycle.exclusive(async () => admit("restart", container));
  try {
    await stopContainer(deps, container, options, "restart");
    await deps.admission.run(() => startContainer(deps, container));
  } catch (error) {
    // No later engine is to finish a restart that has failed.
    await lifecycle.exclusive(async () => {
      if (document.endReason !== "restart") return;
      Object.assign(document, { endReason: undefined, stopRequest: undefined });
      deps.registry.save(container);
    });
    throw error;
  }
  containerEvent(deps, container, "restart");
}
