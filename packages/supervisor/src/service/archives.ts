import type { IdleMemory } from "@gantry/common/memory";
import type { NativeSys } from "@gantry/native-sys";
import { loadImages } from "../images/archive/load.ts";
import { exportImages } from "../images/export/export.ts";
import type { ImageStore } from "../images/image-store.ts";
import { importRootfs } from "../images/import-rootfs.ts";
import { ProgressReporter } from "../images/progress.ts";
import { createBundle } from "../images/unpack/bundle.ts";
import { unpackImage } from "../images/unpack/rootfs.ts";
import { bytesOf } from "./bytes.ts";
import type { SupervisorHandlers } from "./handlers.ts";

type ArchiveMethod = "images.load" | "images.export" | "images.importRootfs" | "images.unpack" | "images.createBundle";

export interface ArchiveParts {
  readonly native: NativeSys;
  readonly images: ImageStore;
  readonly memory: IdleMemory;
}

/** Load, save, import and unpack of images. */
export function archiveMethods({ native, images, memory }: ArchiveParts): Pick<SupervisorHandlers, ArchiveMethod> {
  return {
    "images.load": async (request, { send, input, signal }) => {
      const progress = new ProgressReporter(send);
      const loaded = await memory.during(() =>
        loadImages({ native, images, progress, signal }, request, bytesOf(input)),
      );
      await progress.flush();
      return { images: loaded };
    },
    "images.export": async (request, { send, signal }) => ({
      size: await memory.during(() => exportImages(images, request, (...parts) => send({}, ...parts), signal)),
    }),
    "images.importRootfs": async (request, { send, input, signal }) => {
      const progress = new ProgressReporter(send);
      const imported = await memory.during(() => importRootfs({ images, progress, signal }, request, bytesOf(input)));
      await progress.flush();
      return imported;
    },
    "images.unpack": async (request, { send, signal }) => {
      const progress = new ProgressReporter(send);
      const unpacked = await memory.during(() => unpackImage({ native, images, progress, signal }, request));
      await progress.flush();
      return unpacked;
    },
    "images.createBundle": async (request, { send, signal }) => {
      const progress = new ProgressReporter(send);
      const bundle = await memory.during(() => createBundle({ native, images, progress, signal }, request));
      await progress.flush();
      return bundle;
    },
  };
}
