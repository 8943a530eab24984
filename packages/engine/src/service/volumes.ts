import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { World } from "../containers/world.ts";
import { listVolumes, pruneVolumes } from "../volumes/prune.ts";

type Methods = (typeof engineContract)["methods"];

export function volumeHandlers({ volumes }: World): Pick<Handlers<Methods>, Extract<keyof Methods, `volume${string}`>> {
  return {
    volumeCreate: (request) => volumes.create(request),
    volumeList: async ({ Filters }) => ({ Volumes: listVolumes(volumes, Filters ?? {}) }),
    volumeInspect: async ({ Name }) => volumes.get(Name),
    volumeRemove: async ({ Name, Force }) => {
      await volumes.remove(Name, Force ?? false);
      return {};
    },
    volumePrune: ({ All, Filters }) => pruneVolumes(volumes, All ?? false, Filters ?? {}),
  };
}
