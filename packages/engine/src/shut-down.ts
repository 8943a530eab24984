import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BackgroundTasks } from "@gantry/common/background-tasks";
import { messageOf } from "@gantry/common/error-message";
import type { Paths } from "./base/paths.ts";
import type { Container } from "./containers/container.ts";
import type { SharedMemory } from "./containers/launch/shared-memory.ts";
import type { Admission } from "./containers/lifecycle/admission.ts";
import { type StopDeps, stopContainer } from "./containers/lifecycle/stop.ts";
import type { Settings } from "./containers/settings.ts";
import { removeBridge } from "./networks/bridge.ts";
import type { Firewall } from "./networks/firewall.ts";
import type { Networks } from "./networks/networks.ts";
import type { SupervisorLink } from "./supervisor/process.ts";

/** How long a supervisor may take to end. */
const END_MS = 10_000;

export interface StopAllDeps extends StopDeps {
  readonly admission: Admission;
  readonly background: BackgroundTasks;
}

/** Refuses new starts, waits for those under way, and stops all containers. */
export async function stopAll(deps: StopAllDeps): Promise<void> {
  await deps.admission.close();
  await Promise.all(deps.registry.all().map((container) => stop(deps, container)));
  await deps.background.idle();
}

export interface TakeDownDeps {
  readonly networks: Networks;
  readonly sharedMemory: SharedMemory;
  readonly paths: Paths;
  readonly settings: Settings;
}

/**
 * Removes the engine's objects on this machine: bridges, rules, namespaces and cgroups, and ends the supervisor where it
 * is given.
 */
export async function takeDown(
  { networks, sharedMemory, paths, settings }: TakeDownDeps,
  firewall: Firewall,
  supervisor: SupervisorLink | undefined,
): Promise<void> {
  for (const network of networks.all()) if (network.bridge !== "") removeBridge(network.bridge);
  await firewall.clear();
  for (const key of networks.sandboxes.keys()) networks.sandboxes.remove(key);
  rmSync(paths.netns, { recursive: true, force: true });
  for (const id of sharedMemory.ids()) sharedMemory.remove(id);
  rmSync(paths.sharedMemory, { recursive: true, force: true });
  if (supervisor) await endSupervisor(supervisor);
  removeCgroups(settings.cgroupParent);
}

/** The cgroup above the containers', in every hierarchy; a cgroup in use stays. */
function removeCgroups(parent: string): void {
  const root = "/sys/fs/cgroup";
  for (const hierarchy of [".", ...readdirSync(root)]) {
    try {
      rmdirSync(join(root, hierarchy, parent));
    } catch {
      // It does not exist, or other cgroups are in it.
    }
  }
}

/** A container that its policy wants running runs again with the next engine. */
async function stop(deps: StopAllDeps, container: Container): Promise<void> {
  try {
    await stopContainer(deps, container, {}, "shutdown");
    await container.lifecycle.autoRemoval;
  } catch (error) {
    deps.log.warn({ id: container.id, error: messageOf(error) }, "stopping a container");
  }
}

async function endSupervisor(supervisor: SupervisorLink): Promise<void> {
  const { pid } = await supervisor.client.call("version", {});
  supervisor.close();
  process.kill(pid, "SIGTERM");
  for (const end = Date.now() + END_MS; existsSync(`/proc/${pid}`) && Date.now() < end; ) await delay(5);
}
