import { messageOf } from "@gantry/common/error-message";
import { endStrayProxies } from "../../networks/stray-proxies.ts";
import type { Container } from "../container.ts";
import type { Admission } from "../lifecycle/admission.ts";
import { decideAtStartup } from "../lifecycle/decide.ts";
import { type RemoveDeps, removeContainer, resumeRemoval } from "../lifecycle/remove.ts";
import { restartContainer } from "../lifecycle/restart.ts";
import { type RestartPolicyDeps, scheduleRestart } from "../lifecycle/restart-policy.ts";
import { startContainer } from "../lifecycle/start.ts";
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

async function adoptPorts({ registry, networks, log }: RecoverDeps): Promise<void> {
  for (const container of registry.all()) {
    const publication = container.alive ? networks.publicationOf(container.document) : undefined;
    if (!publication || container.document.ports.length === 0) continue;
    try {
      container.document.ports = await networks.publisher.adopt(publication, container.document.ports);
      registry.save(container);
    } catch (error) {
      log.warn({ id: container.id, error: messageOf(error) }, "adopting published ports");
    }
  }
  const known = new Set(registry.all().flatMap((container) => container.document.ports.map((port) => port.proxyPid)));
  await endStrayProxies(networks, known);
}

function resume(deps: RecoverDeps, container: Container): void {
  // A removal after an exit that was missed has begun already.
  if (container.lifecycle.autoRemoval) return;
  const decision = decideAtStartup(container.document);
  switch (decision.kind) {
    case "remove":
      inBackground(deps, container, removal(deps, container));
      break;
    case "restart":
      inBackground(deps, container, restartContainer(deps, container, {}));
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
