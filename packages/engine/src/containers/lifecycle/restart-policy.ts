import { messageOf } from "@gantry/common/error-message";
import type { Container } from "../container.ts";
import { type LaunchDeps, launch } from "../launch/launch.ts";
import type { Registry } from "../registry.ts";
import type { Admission } from "./admission.ts";
import { decideAfterExit } from "./decide.ts";
import { applyDecision } from "./exits.ts";

export interface RestartPolicyDeps extends LaunchDeps {
  readonly admission: Admission;
}

/** Starts a container again after a delay, unless its restart is cancelled before. */
export function scheduleRestart(deps: RestartPolicyDeps, container: Container, delayMs: number): void {
  container.lifecycle.scheduleRestart(delayMs, () => {
    restart(deps, container).catch((error: unknown) => {
      deps.log.warn({ id: container.id, error: messageOf(error) }, "restarting by policy");
    });
  });
}

async function restart(deps: RestartPolicyDeps, container: Container): Promise<void> {
  // The next engine takes a pending restart up.
  if (deps.admission.isClosed) return;
  await deps.admission.run(() => container.lifecycle.exclusive(() => attempt(deps, container)));
}

async function attempt(deps: RestartPolicyDeps, container: Container): Promise<void> {
  const { document } = container;
  if (!document.state.Restarting || document.removal) return;
  document.restartCount++;
  try {
    await launch(deps, container);
  } catch (error) {
    const decision = decideAfterExit(document, { exitCode: document.state.ExitCode, ranMs: 0 });
    applyDecision(container, decision);
    deps.registry.save(container);
    if (decision.kind === "restart") scheduleRestart(deps, container, decision.delayMs);
    throw error;
  }
}

/** Gives a pending restart up. The caller holds the container's lock. */
export function cancelRestart(registry: Registry, container: Container): void {
  container.lifecycle.cancelRestart();
  Object.assign(container.document.state, { Running: false, Restarting: false });
  registry.save(container);
}
