import { isRpcError } from "@gantry/ipc";
import type { Spec } from "@gantry/oci-spec/runtime";
import type { Container } from "./container.ts";
import type { World } from "./world.ts";

/** Who a container runs as when nobody says: looked up like others, for the groups that list root are root's, too. */
export const superuser = "0";

/** Tells the supervisor what the container is to run; the second time it replaces the first. */
export async function recordContainer(world: World, container: Container, spec: Spec): Promise<void> {
  const { id, document } = container;
  const user = document.config.User || superuser;
  const asDocument = spec as unknown as Record<string, unknown>;
  if (!container.recorded) {
    try {
      await world.supervisor.call("containers.create", {
        id,
        image: document.config.Image,
        labels: {},
        spec: asDocument,
        snapshotKey: id,
        runtime: runtimeOf(world, document.runtime),
        user,
      });
      container.recorded = true;
      return;
    } catch (error) {
      if (!isRpcError(error, "AlreadyExists")) throw error;
      container.recorded = true;
    }
  }
  await world.supervisor.call("containers.update", { id, spec: asDocument, user });
}

function runtimeOf(world: World, name: string) {
  const choice = world.settings.runtimes[name];
  if (!choice) throw new Error(`the runtime "${name}" is not configured`);
  return { path: choice.path, root: world.paths.runtimeRoot(name), worker: choice.worker };
}

/** Enough for the supervisor to mount the root file system of a container that has not been started. */
export function minimalSpec(container: Container): Spec {
  const { config } = container.document;
  return {
    ociVersion: "1.2.0",
    root: { path: "rootfs" },
    process: { cwd: config.WorkingDir || "/", args: ["/"] },
  };
}
