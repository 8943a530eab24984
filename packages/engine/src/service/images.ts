import type { Handlers } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import type { World } from "../containers/world.ts";
import { importImage, loadImages, pullImage, tagImage } from "../images/fetch.ts";
import { imageHistory } from "../images/history.ts";
import { listImages } from "../images/list.ts";
import { login, pushImage, remoteTags } from "../images/push.ts";
import { removeImage } from "../images/remove.ts";
import { saveImages } from "../images/save.ts";
import { groupByImage, inspectView } from "../images/view.ts";

type Methods = (typeof engineContract)["methods"];

type Names = Extract<keyof Methods, `image${string}` | `registry${string}`>;

export function imageHandlers(world: World): Pick<Handlers<Methods>, Names> {
  return {
    imageList: async ({ Filters }) => ({ Images: await listImages(world, Filters ?? {}) }),
    imageInspect: async ({ Name }) => {
      const found = await world.images.resolve(Name);
      const names = groupByImage(await world.images.all()).find((image) => image.id === found.id)?.names ?? [];
      return inspectView({ id: found.id, image: found, names });
    },
    imageTag: async ({ Name, Target }) => {
      await tagImage(world, Name, Target);
      return {};
    },
    imageRemove: async ({ Name, Force }) => ({ Items: await removeImage(world, Name, Force ?? false) }),
    imagePull: (request, context) => pullImage(world, request, context),
    imagePush: (request, context) => pushImage(world, request, context),
    imageRemoteTags: (request) => remoteTags(world, request),
    imageLoad: (request, context) => loadImages(world, request, context),
    imageSave: (request, context) => saveImages(world, request, context),
    imageHistory: (request) => imageHistory(world, request),
    imageImport: (request, context) => importImage(world, request, context),
    registryLogin: (request) => login(world, request),
  };
}
