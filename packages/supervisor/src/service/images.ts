import { fieldsOf, parseFilters } from "../filters.ts";
import { requireFullName } from "../images/image-store.ts";
import { type ArchiveParts, archiveMethods } from "./archives.ts";
import type { ServiceHandlers } from "./handlers.ts";
import { type RegistryParts, registryMethods } from "./registry.ts";

export function imageService(parts: ArchiveParts & RegistryParts): ServiceHandlers<"images"> {
  const { images } = parts;
  return {
    "images.list": async ({ namespace, filters }) => {
      const matches = parseFilters(filters);
      const all = images.stores.metadata.images.list(namespace);
      return {
        images: all.filter(({ name, target, labels }) => {
          const { digest, mediaType } = target;
          return matches(fieldsOf({ name, "target.digest": digest, "target.mediatype": mediaType }, labels));
        }),
      };
    },
    "images.get": async ({ namespace, name }) => images.get(namespace, name),
    "images.resolve": async ({ namespace, name, platform }) => await images.resolve(namespace, name, platform),
    "images.tag": async ({ namespace, name, newName }) => {
      requireFullName(newName);
      return images.set(namespace, newName, images.get(namespace, name).target).image;
    },
    "images.label": async ({ namespace, name, labels, replace }) => {
      const { target, labels: before } = images.get(namespace, name);
      const merged = Object.entries({ ...(replace ? {} : before), ...labels }).filter(([, value]) => value !== "");
      return images.set(namespace, name, target, Object.fromEntries(merged)).image;
    },
    "images.delete": async ({ namespace, name }) => ({ removed: images.delete(namespace, name) }),
    ...archiveMethods(parts),
    ...registryMethods(parts),
  };
}
