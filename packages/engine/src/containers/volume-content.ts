import type { Container } from "./container.ts";
import { minimalSpec, recordContainer } from "./record.ts";
import type { World } from "./world.ts";

/** Gives empty volumes what the image has at their destinations. */
export async function fillVolumes(world: World, container: Container): Promise<void> {
  await recordContainer(world, container, minimalSpec(container));
  const { id } = container;
  const { path } = await world.supervisor.call("containers.mountRootfs", { id });
  try {
    for (const mount of container.document.mounts) {
      if (mount.Type !== "volume" || mount.NoCopy) continue;
      await world.volumes.fill(mount.Name ?? "", { root: path, path: mount.Destination });
    }
  } finally {
    await world.supervisor.call("containers.unmountRootfs", { id });
  }
}
