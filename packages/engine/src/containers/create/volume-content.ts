import type { Volumes } from "../../volumes/volumes.ts";
import type { ContainerDocument } from "../document.ts";
import { type RootfsDeps, withRootfs } from "../launch/record.ts";

export interface FillDeps extends RootfsDeps {
  readonly volumes: Volumes;
}

/** Copies the image's files at their destinations into empty volumes. */
export async function fillVolumes(deps: FillDeps, document: ContainerDocument): Promise<void> {
  await withRootfs(deps, document, async (root) => {
    for (const mount of document.mounts) {
      if (mount.Type !== "volume" || mount.NoCopy) continue;
      await deps.volumes.fill(mount.Name ?? "", { root, path: mount.Destination });
    }
  });
}
