import * as v from "valibot";
import { descriptor, digest, integer, labels } from "../common.ts";
import { call } from "../define.ts";
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
    doc: "Writes what differs between two snapshots as a layer (image-spec layer.md) into the content store. The blob has the label containerd.io/uncompressed.",
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
    }),
    reply: v.object({ descriptor, /** Digest of the uncompressed tar. */ diffId: digest }),
  }),
  "diff.apply": call({
    doc: "Unpacks a layer, in any compression, onto an active snapshot. A layer that is refused leaves nothing behind in an empty snapshot.",
    request: v.object({ ...ofSnapshotter, key: v.string(), descriptor }),
    reply: v.object({ diffId: digest, size: integer, inodes: integer }),
  }),
};
