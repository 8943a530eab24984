import * as v from "valibot";
import { descriptor, digest, document, integer, labels } from "../common.ts";
import { call } from "../define.ts";
import { image } from "./images.ts";
import { underLease } from "./scope.ts";
import { ofSnapshotter } from "./snapshots.ts";

/** Media types that a layer can be written as (image-spec layer.md, "zstd", "gzip" and plain). */
export const layerMediaType = v.picklist([
  "application/vnd.oci.image.layer.v1.tar",
  "application/vnd.oci.image.layer.v1.tar+gzip",
  "application/vnd.oci.image.layer.v1.tar+zstd",
  "application/vnd.docker.image.rootfs.diff.tar",
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
]);

export const diff = {
  "diff.create": call({
    doc: "Writes the difference between two snapshots as a layer (image-spec layer.md) into the content store. The blob has the label containerd.io/uncompressed.",
    request: v.object({
      ...ofSnapshotter,
      /** The upper snapshot: active, view or committed. */
      key: v.string(),
      /** The lower snapshot; absent: the upper one's own parent; empty: nothing, so that the layer holds all. */
      parent: v.optional(v.string()),
      /** gzip unless given. */
      mediaType: v.optional(layerMediaType),
      /** Of the blob. */
      labels: v.optional(labels),
      ...underLease,
    }),
    reply: v.object({ descriptor, /** Digest of the uncompressed tar. */ diffId: digest }),
  }),
  "diff.apply": call({
    doc: "Unpacks a layer, in any compression, onto an active snapshot. A layer that is refused leaves nothing behind in an empty snapshot.",
    request: v.object({ ...ofSnapshotter, key: v.string(), descriptor }),
    reply: v.object({ diffId: digest, size: integer, inodes: integer }),
  }),
  "diff.commitImage": call({
    doc: "Makes an image of a snapshot: the layers of the image below it and one more for its own changes. Without a base one layer holds all.",
    request: v.object({
      ...ofSnapshotter,
      key: v.string(),
      /** Full name of the image whose layers the snapshot's parent is. */
      base: v.optional(v.string()),
      /** Full name of the new image. */
      name: v.string(),
      /** OCI image configuration: its fields take the place of the base's, its history is put after the base's. */
      configDocument: document,
      /** Of the new layer; plain unless given. */
      mediaType: v.optional(layerMediaType),
      /** Paths that are left out where they are new and empty: mount points that the start of a container made. */
      leaveOut: v.optional(v.array(v.string())),
    }),
    reply: v.object({ image, configDigest: digest }),
  }),
};
