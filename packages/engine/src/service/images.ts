import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { RemoveImageDeps } from "../images/deps.ts";
import { importImage, loadImages, pullImage, tagImage } from "../images/fetch.ts";
import { imageHistory } from "../images/history.ts";
import { listImages } from "../images/list.ts";
import { login, pushImage, remoteTags } from "../images/push.ts";
import { removeImage } from "../images/remove.ts";
import { saveImages } from "../images/save.ts";
import { groupByImage, inspectView } from "../images/view.ts";

type Methods = (typeof engineContract)["methods"];

type Names = Extract<keyof Methods, `image${string}` | `registry${string}`>;

export function imageHandlers(deps: RemoveImageDeps): Pick<Handlers<Methods>, Names> {
  return {
    imageList: async ({ Filters }) => ({ Images: await listImages(deps, Filters ?? {}) }),
    imageInspect: async ({ Name }) => {
      const found = await deps.images.resolve(Name);
      const names = groupByImage(await deps.images.all()).find((image) => image.id === found.id)?.names ?? [];
      const { name: snapshotter } = await deps.storage.describe();
      return inspectView({ id: found.id, image: found, names }, snapshotter);
    },
    imageTag: async ({ Name, Target }) => {
      await tagImage(deps, Name, Target);
      return {};
    },
    imageRemove: async ({ Name, Force }) => ({ Items: await removeImage(deps, Name, Force ?? false) }),
    imagePull: (request, context) => pullImage(deps, request, context),
    imagePush: (request, context) => pushImage(deps, request, context),
    imageRemoteTags: (request) => remoteTags(deps, request),
    imageLoad: (request, context) => loadImages(deps, request, context),
    imageSave: (request, context) => saveImages(deps, request, context),
    imageHistory: (request) => imageHistory(deps, request),
    imageImport: (request, context) => importImage(deps, request, context),
    registryLogin: (request) => login(deps, request),
  };
}
