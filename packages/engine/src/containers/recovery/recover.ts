import { messageOf } from "@gantry/common/error-message";
import type { Container } from "../container.ts";
import type { Admission } from "../lifecycle/admission.ts";
import { decideAtStartup } from "../lifecycle/decide.ts";
import { type RemoveDeps, removeContainer, resumeRemoval } from "../lifecycle/remove.ts";
import { restartContainer } from "../lifecycle/restart.ts";
import { type RestartPolicyDeps, scheduleRestart } from "../lifecycle/restart-policy.ts";
import { startContainer } from "../lifecycle/start.ts";
import { stopContainer } from "../lifecycle/stop.ts";
import { adoptPorts } from "./published-ports.ts";
import { type ReconcileDeps, reconcile } from "./reconcile.ts";
import { removeLeftovers, removeStrangers } from "./sweep.ts";

export interface RecoverDeps extends ReconcileDeps, RemoveDeps, RestartPolicyDeps {
  readonly admission: Admission;
}

/** After a start of the engine: unfinished work of an earlier one is finished or undone, and restart policies apply. */
export async function recover(deps: RecoverDeps): Promise<void> {
  await removeStrangers(deps);
  await reconcile(deps);
  await removeLeftovers(deps);
  await adoptPorts(deps);
  for (const container of deps.registry.all()) {
    forgetShutdown(deps, container);
    resume(deps, container);
  }
}

/** A container that outlived the shutdown of its engine goes on as before. */
function forgetShutdown({ registry }: RecoverDeps, container: Container): void {
  if (!container.alive || container.document.endReason !== "shutdown") return;
  container.document.endReason = undefined;
  registry.save(container);
}

/** After a loss of the supervisor. */
export async function reconnect(deps: RecoverDeps): Promise<void> {
  await reconcile(deps);
  await removeStrangers(deps);
}

function resume(deps: RecoverDeps, container: Container): void {
  // A removal after an exit that was missed has begun already.
  if (container.lifecycle.autoRemoval) return;
  const decision = decideAtStartup(container.document, Date.now());
  switch (decision.kind) {
    case "remove":
      inBackground(deps, container, removal(deps, container));
      break;
    case "restart":
      inBackground(deps, container, restartContainer(deps, container, decision.options));
      break;
    case "stop":
      inBackground(deps, container, stopContainer(deps, container, decision.options));
      break;
    case "start":
      inBackground(deps, container, startContainer(deps, container));
      break;
    case "restartLater":
      scheduleRestart(deps, container, decision.delayMs);
      break;
    case "stay":
  }
}

function removal(deps: RecoverDeps, container: Container): Promise<void> {
  if (container.document.removal) return resumeRemoval(deps, container);
  return removeContainer(deps, container, { force: true, volumes: true });
}

function inBackground(deps: RecoverDeps, container: Container, work: Promise<void>): void {
  work.catch((error: unknown) => {
    deps.log.warn({ id: container.id, error: messageOf(error) }, "recovering a container");
  });
}
