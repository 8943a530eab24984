import type { ImageDescriptor } from "@gantry/oci-spec";
import { fillDirectory } from "../../directory-target.ts";
import { inContext, invalidArgument } from "../../errors.ts";
import { applyLayer } from "../../layers/apply-layer.ts";
import { counted } from "../../layers/layer-source.ts";
import type { PlatformImage } from "../image-content.ts";
import { type ImageStore, plainDescriptor } from "../image-store.ts";
import type { ImageWork } from "../image-work.ts";
import { shortDigest } from "../progress.ts";

export interface UnpackRequest {
  readonly namespace: string;
  readonly name: string;
  readonly platform?: string | undefined;
  /** Absolute path; created if it does not exist, else it must be empty. */
  readonly directory: string;
}

/** The image that was unpacked. */
export interface Unpacked {
  readonly manifest: ImageDescriptor;
  readonly config: ImageDescriptor;
}

/** Work on an image that is protected from gc in the meantime. */
type Use<T> = (image: PlatformImage) => Promise<T>;

/** `images.unpack`: writes the root file system of an image into a directory. */
export async function unpackImage(work: ImageWork, request: UnpackRequest) {
  return await withImage(work.images, request, async (image) => {
    const { namespace } = request;
    await fillDirectory(request.directory, (directory) => writeRootfs({ ...work, namespace }, image, directory));
  });
}

/** Finds an image, and protects it from gc while it is used. @returns the image */
export async function withImage(images: ImageStore, request: UnpackRequest, use: Use<void>) {
  const { namespace, name, platform } = request;
  using lease = images.stores.leases.acquire();
  const record = images.get(namespace, name);
  lease.add(record.target.digest);
  try {
    const image = await images.platformImage(namespace, record, platform);
    lease.add(...[...image.manifest.layers, ...image.path].map(({ digest }) => digest));
    await use(image);
    return { manifest: plainDescriptor(image.manifestDescriptor), config: plainDescriptor(image.manifest.config) };
  } catch (error) {
    throw inContext(error, `cannot unpack ${name}`);
  }
}

export interface RootfsWork extends ImageWork {
  readonly namespace: string;
}

/** Applies an image's layers to an empty directory, with owners, modes, times, links and devices. */
export async function writeRootfs(work: RootfsWork, image: PlatformImage, directory: string): Promise<void> {
  const { native, images, namespace, progress, signal } = work;
  const { diff_ids: diffIds = [] } = image.config.rootfs;
  const { layers } = image.manifest;
  if (diffIds.length !== layers.length) {
    throw invalidArgument(`the manifest has ${layers.length} layers, the configuration ${diffIds.length}`);
  }
  for (const [at, layer] of layers.entries()) {
    const id = shortDigest(layer.digest);
    const source = counted(images.stores.content.read(namespace, layer.digest), (read) => {
      signal?.throwIfAborted();
      progress.figure("Extracting", id, read, layer.size);
    });
    const { diffId, notes } = await applyLayer(native, source, { directory, lowers: [], whiteouts: "remove" });
    if (diffId !== diffIds[at]) {
      throw invalidArgument(
        `layer ${layer.digest}: wrong content: its diff id is ${diffId}, the image has ${diffIds[at]}`,
      );
    }
    images.unpacker.note(layer, notes);
    progress.step("Extracted", id);
  }
}
