import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "@gantry/common/error-message";
import { stopContainer } from "./containers/stop.ts";
import type { World } from "./containers/world.ts";
import { removeBridge } from "./networks/bridge.ts";
import type { Firewall } from "./networks/firewall.ts";
import type { SupervisorLink } from "./supervisor/process.ts";

/** How long a supervisor may take to end. */
const END_MS = 10_000;

/** Stops all containers. */
export async function stopAll(world: World): Promise<void> {
  await Promise.all(world.registry.all().map((container) => stopQuietly(world, container)));
  await world.background.idle();
}

/** Takes away what the engine made on this machine: bridges, rules, namespaces, cgroups, and the supervisor where it is given. */
export async function takeDown(
  world: World,
  firewall: Firewall,
  supervisor: SupervisorLink | undefined,
): Promise<void> {
  for (const network of world.networks.all()) if (network.bridge !== "") removeBridge(network.bridge);
  await firewall.clear();
  for (const key of world.networks.sandboxes.keys()) world.networks.sandboxes.remove(key);
  rmSync(world.paths.netns, { recursive: true, force: true });
  if (supervisor) await endSupervisor(supervisor);
  removeCgroups(world.settings.cgroupParent);
}

/** The cgroup above the containers', in every hierarchy; one that is in use stays. */
function removeCgroups(parent: string): void {
  const root = "/sys/fs/cgroup";
  for (const hierarchy of [".", ...readdirSync(root)]) {
    try {
      rmdirSync(join(root, hierarchy, parent));
    } catch {
      // It is not there, or others are in it.
    }
  }
}

async function stopQuietly(world: World, container: ReturnType<World["registry"]["find"]>): Promise<void> {
  // Kept as it was: a container that its policy wants running runs again with the next engine.
  const { stoppedOnRequest } = container.document;
  try {
    await stopContainer(world, container, {});
    await container.autoRemoval;
  } catch (error) {
    world.log.warn({ id: container.id, error: messageOf(error) }, "stopping a container");
  }
  container.document.stoppedOnRequest = stoppedOnRequest;
  world.registry.save(container);
}

async function endSupervisor(supervisor: SupervisorLink): Promise<void> {
  const { pid } = await supervisor.client.call("version", {});
  supervisor.close();
  process.kill(pid, "SIGTERM");
  for (const end = Date.now() + END_MS; existsSync(`/proc/${pid}`) && Date.now() < end; ) await delay(5);
}
