import * as v from "valibot";
import { descriptor, digest, document, empty, integer, labels, progress, registryAuth, timestamp } from "../common.ts";
import { call, stream } from "../define.ts";
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
    doc: "All images.",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ images: v.array(image) }),
  }),
  "images.get": call({ doc: "One image by its full name.", idempotent: true, request: named, reply: image }),
  "images.resolve": call({
    doc: "An image as this host's platform sees it (or the one asked for), unpacked on the way if it was not.",
    idempotent: true,
    request: v.object({ ...inNamespace, name: v.string(), platform: v.optional(v.string()) }),
    reply: resolvedImage,
  }),
  "images.tag": call({
    doc: "Gives an image another name, which it takes from whoever had it.",
    idempotent: true,
    request: v.object({ ...inNamespace, name: v.string(), newName: v.string() }),
    reply: image,
  }),
  "images.delete": call({
    doc: "Removes a name; what no name, container or snapshot needs any more is removed with it. The digests of what went are returned.",
    request: named,
    reply: v.object({ removed: v.array(v.string()) }),
  }),
  "images.pull": stream({
    doc: "Fetches an image from a registry and unpacks it.",
    request: v.object({
      ...inNamespace,
      /** Full reference with tag or digest. */
      name: v.string(),
      platform: v.optional(v.string()),
      auth: v.optional(registryAuth),
      /** Plain HTTP; allowed by itself for loopback only. */
      plainHttp: v.optional(v.boolean()),
    }),
    item: progress,
    input: v.never(),
    reply: v.object({ image, /** False when the name already had this target. */ changed: v.boolean() }),
  }),
  "images.load": stream({
    doc: "Reads a docker-archive, an OCI archive or a tar of an OCI layout (each also gzip or zstd) from the input's blobs.",
    request: v.object({
      ...inNamespace,
      /** Name for an image that the archive leaves without one; of several, its repository with their digests as tags. */
      defaultName: v.optional(v.string()),
      /** Repository that keeps an image whose last name the archive takes, its digest as tag; absent: it goes. */
      keepReplacedIn: v.optional(v.string()),
      platform: v.optional(v.string()),
    }),
    item: progress,
    input: empty,
    reply: v.object({ images: v.array(image) }),
  }),
  "images.importRootfs": stream({
    doc: "Makes a one-layer image of a tar (also gzip, zstd, xz where the host has it) of a root file system, read from the input's blobs.",
    request: v.object({
      ...inNamespace,
      name: v.string(),
      /** OCI image configuration to start from: config, author, … */ configDocument: document,
      platform: v.optional(v.string()),
    }),
    item: progress,
    input: empty,
    reply: v.object({ image, configDigest: digest }),
  }),
};
