import { messageOf } from "@gantry/common/error-message";
import type { Log } from "../../base/log.ts";
import type { Networks } from "../../networks/networks.ts";
import { endStrayProxies } from "../../networks/stray-proxies.ts";
import type { Container } from "../container.ts";
import type { Admission } from "../lifecycle/admission.ts";
import type { Registry } from "../registry.ts";

/** A lost port is tried again after this time, then after twice as long, and so on. */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

export interface PortDeps {
  readonly registry: Registry;
  readonly networks: Networks;
  readonly admission: Admission;
  readonly log: Log;
}

/** Takes over the ports that an earlier engine published; one that cannot be served now is tried again. */
export async function adoptPorts(deps: PortDeps): Promise<void> {
  const { registry, networks, log } = deps;
  for (const container of registry.all()) {
    const { document } = container;
    const publication = container.alive ? networks.publicationOf(document) : undefined;
    if (!publication) continue;
    try {
      const { served, lost } = await networks.publisher.adopt(publication, document.ports);
      const allLost = [...(document.lostPorts ?? []), ...lost];
      if (document.ports.length > 0) registry.update(container, { ports: served, lostPorts: allLost });
      if (allLost.length > 0) retryLater(deps, container, FIRST_RETRY_MS);
    } catch (error) {
      log.warn({ id: container.id, error: messageOf(error) }, "adopting published ports");
    }
  }
  const known = new Set(registry.all().flatMap((container) => container.document.ports.map((port) => port.proxyPid)));
  await endStrayProxies(networks, known);
}

/** The timer does not keep the engine from ending: the next one finds the lost ports in the container's document. */
function retryLater(deps: PortDeps, container: Container, delayMs: number): void {
  const retry = async () => {
    const isDone = await regain(deps, container).catch((error: unknown) => {
      deps.log.warn({ id: container.id, error: messageOf(error) }, "publishing lost ports again");
      return false;
    });
    if (!isDone) retryLater(deps, container, Math.min(delayMs * 2, LONGEST_RETRY_MS));
  };
  setTimeout(() => void retry(), delayMs).unref();
}

/** @returns whether there is nothing more to try: all ports are served, or the run has ended */
function regain({ registry, networks, admission }: PortDeps, container: Container): Promise<boolean> {
  return container.lifecycle.exclusive(async () => {
    const { document } = container;
    const { lostPorts = [] } = document;
    const publication = networks.publicationOf(document);
    if (admission.isClosed || !container.alive || !publication || lostPorts.length === 0) return true;
    const { served, lost } = await networks.publisher.regain(publication, lostPorts);
    if (served.length > 0) registry.update(container, { ports: [...document.ports, ...served], lostPorts: lost });
    return lost.length === 0;
  });
}
