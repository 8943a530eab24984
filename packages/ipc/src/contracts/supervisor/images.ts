import * as v from "valibot";
import { descriptor, document, integer, labels, timestamp } from "../common.ts";
import { call } from "../define.ts";
import { filters } from "./filters.ts";
import { inNamespace, named } from "./scope.ts";

export const image = v.object({
  /** Full reference: docker.io/library/busybox:latest. */
  name: v.string(),
  /** Its manifest or index. */
  target: descriptor,
  labels,
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type Image = v.InferOutput<typeof image>;

/** An image as one platform sees it. */
export const resolvedImage = v.object({
  image,
  manifest: descriptor,
  config: descriptor,
  /** The OCI image configuration (image-spec config.md). */
  configDocument: document,
  /** Snapshot that holds the unpacked layers: the chain id of the last layer; empty for an image without layers. */
  chainId: v.string(),
  /** Bytes on disk of the unpacked layers. */
  unpackedSize: integer,
  /** Bytes of the compressed layers, config and manifest. */
  contentSize: integer,
  /** Every digest that other names of the same repository give it: repo@sha256:… */
  repoDigests: v.array(v.string()),
});
export type ResolvedImage = v.InferOutput<typeof resolvedImage>;

export const images = {
  "images.list": call({
    doc: "All images by name. Filters match name, target.digest, target.mediatype and labels.",
    idempotent: true,
    request: v.object({ ...inNamespace, filters }),
    reply: v.object({ images: v.array(image) }),
  }),
  "images.get": call({ doc: "One image by its full name.", idempotent: true, request: named, reply: image }),
  "images.resolve": call({
    doc: "An image as this host's platform (or the given one) sees it; it is unpacked if necessary.",
    idempotent: true,
    request: v.object({ ...inNamespace, name: v.string(), platform: v.optional(v.string()) }),
    reply: resolvedImage,
  }),
  "images.tag": call({
    doc: "Adds a name to an image; another image that had the name loses it.",
    idempotent: true,
    request: v.object({ ...inNamespace, name: v.string(), newName: v.string() }),
    reply: image,
  }),
  "images.label": call({
    doc: "Sets labels of an image; an empty value removes one.",
    idempotent: true,
    request: v.object({
      ...inNamespace,
      name: v.string(),
      labels,
      /** Removes the existing labels first. */
      replace: v.optional(v.boolean()),
    }),
    reply: image,
  }),
  "images.delete": call({
    doc: "Removes a name, and the content that no other name, container or snapshot needs. Returns the removed digests.",
    request: named,
    reply: v.object({ removed: v.array(v.string()) }),
  }),
};
