import type { IdleMemory } from "../idle-memory.ts";
import { type ImageStore, requireFullName } from "../images/image-store.ts";
import { archiveMethods } from "./archives.ts";
import type { ServiceHandlers } from "./handlers.ts";
import { registryMethods } from "./registry.ts";

export function imageService(images: ImageStore, memory: IdleMemory): ServiceHandlers<"images"> {
  return {
    "images.list": async ({ namespace }) => ({ images: images.stores.metadata.images.list(namespace) }),
    "images.get": async ({ namespace, name }) => images.get(namespace, name),
    "images.resolve": async ({ namespace, name, platform }) => await images.resolve(namespace, name, platform),
    "images.tag": async ({ namespace, name, newName }) => {
      requireFullName(newName);
      return images.set(namespace, newName, images.get(namespace, name).target).image;
    },
    "images.delete": async ({ namespace, name }) => ({ removed: images.delete(namespace, name) }),
    ...archiveMethods(images, memory),
    ...registryMethods(images, memory),
  };
}
