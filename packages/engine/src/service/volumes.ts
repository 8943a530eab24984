import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { listVolumes, pruneVolumes } from "../volumes/prune.ts";
import type { Volumes } from "../volumes/volumes.ts";

type Methods = (typeof engineContract)["methods"];

export function volumeHandlers(volumes: Volumes): Pick<Handlers<Methods>, Extract<keyof Methods, `volume${string}`>> {
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
