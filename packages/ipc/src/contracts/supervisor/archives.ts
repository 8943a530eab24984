import * as v from "valibot";
import { absolutePath, descriptor, digest, document, empty, integer, progress } from "../common.ts";
import { stream } from "../define.ts";
import { image } from "./images.ts";
import { inNamespace, underLease } from "./scope.ts";

/** Images from archives and into them, and an image outside of the stores: as a root file system or a bundle. */
export const archives = {
  "images.load": stream({
    doc: "Reads a docker-archive, an OCI archive or a tar of an OCI layout (each also gzip or zstd) from the input's blobs, or an OCI layout's directory.",
    request: v.object({
      ...inNamespace,
      /** Name for an image that the archive leaves without one; of several, its repository with their digests as tags. */
      defaultName: v.optional(v.string()),
      /** Repository that keeps an image whose last name the archive takes, its digest as tag; absent: it goes. */
      keepReplacedIn: v.optional(v.string()),
      /** The platform whose parts are needed; the host's unless given. */
      platform: v.optional(v.string()),
      /** Takes every platform that the archive has; the one above must be among them only when it is unpacked. */
      allPlatforms: v.optional(v.boolean()),
      /** Keeps plain layers of a docker-archive, which has no manifest that names their digests, as gzip. */
      compress: v.optional(v.boolean()),
      /** False: nothing is unpacked before a container asks for it. */
      unpack: v.optional(v.boolean()),
      /** Repository for tags that stand alone; images of other names are left out. */
      baseName: v.optional(v.string()),
      /** Repository in which every image is also named by its digest: REPOSITORY@sha256:… */
      digestsIn: v.optional(v.string()),
      /** With digestsIn: only the images that have no other name. */
      digestsForUnnamed: v.optional(v.boolean()),
      /** Name for the archive's whole index, beside those of its images. */
      indexName: v.optional(v.string()),
      /** An OCI layout's directory on the supervisor's machine, read instead of the input. */
      directory: v.optional(absolutePath),
      ...underLease,
    }),
    item: progress,
    input: empty,
    reply: v.object({ images: v.array(image) }),
  }),
  "images.export": stream({
    doc: "Writes images as an archive into the items' blobs: the same images give the same bytes. With a directory, an OCI layout is written there instead.",
    request: v.object({
      ...inNamespace,
      images: v.pipe(
        v.array(
          v.object({
            /** Full name of a stored image. */
            name: v.string(),
            /** Full names that the archive gives it; its own unless given; an empty list gives it none. */
            as: v.optional(v.array(v.string())),
          }),
        ),
        v.minLength(1, "must name an image"),
      ),
      /** oci: an OCI layout. docker: the same with manifest.json and repositories, for Docker of any age; layers that it cannot read (zstd) are written plain. */
      format: v.picklist(["oci", "docker"]),
      /** Platforms that go into the archive; without them and allPlatforms, those of which all parts are here. */
      platforms: v.optional(v.pipe(v.array(v.string()), v.minLength(1, "must name a platform"))),
      /** Every platform that the image names: NotFound when a part is not here. */
      allPlatforms: v.optional(v.boolean()),
      /** Leaves out non-distributable layers. */
      skipNonDistributable: v.optional(v.boolean()),
      /** On the supervisor's machine: made if it is not there, else it must be empty. */
      directory: v.optional(absolutePath),
    }),
    item: empty,
    input: v.never(),
    reply: v.object({ /** Bytes written. */ size: integer }),
  }),
  "images.importRootfs": stream({
    doc: "Makes a one-layer image of a tar (also gzip, zstd, and bzip2 or xz where the host has them) of a root file system, read from the input's blobs.",
    request: v.object({
      ...inNamespace,
      name: v.string(),
      /** OCI image configuration to start from: config, author, … */ configDocument: document,
      platform: v.optional(v.string()),
      ...underLease,
    }),
    item: progress,
    input: empty,
    reply: v.object({ image, configDigest: digest }),
  }),
  "images.unpack": stream({
    doc: "Writes an image's root file system into a plain directory on the supervisor's machine; a failure leaves nothing there.",
    request: v.object({
      ...inNamespace,
      name: v.string(),
      platform: v.optional(v.string()),
      /** Made if it is not there, else it must be empty. */
      directory: absolutePath,
    }),
    item: progress,
    input: v.never(),
    reply: v.object({ manifest: descriptor, config: descriptor }),
  }),
  "images.createBundle": stream({
    doc: "Makes a runtime bundle of an image: DIRECTORY/rootfs and DIRECTORY/config.json (image-spec conversion.md), ready for an OCI runtime.",
    request: v.object({
      ...inNamespace,
      name: v.string(),
      platform: v.optional(v.string()),
      /** Made if it is not there, else it must be empty. */
      directory: absolutePath,
    }),
    item: progress,
    input: v.never(),
    reply: v.object({ manifest: descriptor, config: descriptor }),
  }),
};
