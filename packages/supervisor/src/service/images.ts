import type { Message } from "@gantry/ipc";
import type { IdleMemory } from "../idle-memory.ts";
import { loadImages } from "../images/archive/load.ts";
import { type ImageStore, requireFullName } from "../images/image-store.ts";
import { importRootfs } from "../images/import-rootfs.ts";
import { ProgressReporter } from "../images/progress.ts";
import { pullImage } from "../images/pull.ts";
import type { ServiceHandlers } from "./handlers.ts";

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
    "images.pull": async (request, { send, signal }) => {
      const progress = new ProgressReporter(send);
      const result = await memory.during(() => pullImage(images, request, progress, signal));
      await progress.flush();
      return result;
    },
    "images.load": async (request, { send, input }) => {
      const progress = new ProgressReporter(send);
      const loaded = await memory.during(() => loadImages(images, request, bytesOf(input), progress));
      await progress.flush();
      return { images: loaded };
    },
    "images.importRootfs": async (request, { send, input }) => {
      const progress = new ProgressReporter(send);
      const imported = await memory.during(() => importRootfs(images, request, bytesOf(input), progress));
      await progress.flush();
      return imported;
    },
  };
}

/** The bytes that ride beside a stream's input. */
export async function* bytesOf(input: AsyncIterable<Message<unknown>>): AsyncGenerator<Uint8Array> {
  for await (const { blobs } of input) yield* blobs;
}
