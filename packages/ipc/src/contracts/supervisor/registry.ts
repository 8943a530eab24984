import * as v from "valibot";
import { descriptor, digest, empty, integer, labels, progress, registryAccess } from "../common.ts";
import { call, stream } from "../define.ts";
import { image } from "./images.ts";
import { inNamespace, underLease } from "./scope.ts";

const parallel = v.pipe(integer, v.minValue(1), v.maxValue(64));

/** Images between here and registries (distribution-spec). */
export const registry = {
  "images.pull": stream({
    doc: "Fetches an image or another artifact from a registry and gives it its name; an image is unpacked. Content that is already here is not fetched again.",
    request: v.object({
      ...inNamespace,
      ...registryAccess,
      /** Full reference with tag or digest. */
      name: v.string(),
      /** The platform that is fetched and unpacked; this host's where absent. */
      platform: v.optional(v.string()),
      /** Fetch the content of every platform; the one above is unpacked. */
      allPlatforms: v.optional(v.boolean()),
      /** Fetch the manifests and configurations of every platform. */
      allMetadata: v.optional(v.boolean()),
      /** Fetch no layers. */
      metadataOnly: v.optional(v.boolean()),
      /** Fail with InvalidArgument for an artifact that is not an image, such as a chart or a signature. */
      imageOnly: v.optional(v.boolean()),
      /** Fetch also the artifacts that refer to the image: signatures, attestations, SBOMs. */
      referrers: v.optional(v.boolean()),
      /** False: the content is fetched only. */
      unpack: v.optional(v.boolean()),
      /** Of the image. */
      labels: v.optional(labels),
      /** Layers fetched at a time. */
      parallel: v.optional(parallel),
      ...underLease,
    }),
    item: progress,
    input: v.never(),
    reply: v.object({ image, /** False when the name already had this target. */ changed: v.boolean() }),
  }),
  "images.push": stream({
    doc: "Pushes an image or another artifact to a registry: a whole index when all of its content is here, else the manifest of this host's platform.",
    request: v.object({
      ...inNamespace,
      ...registryAccess,
      /** Full reference that it gets: with a tag, or with the digest of the pushed document. */
      name: v.string(),
      /** Local image that is pushed; the one of the same name where absent. */
      source: v.optional(v.string()),
      /** Push this document instead of the target of the source's name. */
      target: v.optional(descriptor),
      /** Push only this platform's manifest. */
      platform: v.optional(v.string()),
      /** Push every platform; NotFound names the missing content. */
      allPlatforms: v.optional(v.boolean()),
      /** Push also the artifacts that refer to the image. */
      referrers: v.optional(v.boolean()),
      /** Push layers of non-distributable media types too. */
      nonDistributable: v.optional(v.boolean()),
      /** Layers pushed at a time. */
      parallel: v.optional(parallel),
    }),
    item: progress,
    input: v.never(),
    /** The object that the registry now has under the name. */
    reply: v.object({ target: descriptor }),
  }),
  "images.fetchObject": stream({
    doc: "Bytes of one object of a registry's repository, in the items' blobs; nothing is stored. They are compared with the digest at the end.",
    request: v.object({
      ...inNamespace,
      ...registryAccess,
      /** Full reference: its manifest or index is fetched, or the blob that its digest stands for. */
      name: v.string(),
      /** This object of the repository instead: a manifest, an index or a blob. */
      digest: v.optional(digest),
    }),
    item: empty,
    input: v.never(),
    /** A blob's media type, which registries do not know, is application/octet-stream. */
    reply: v.object({ target: descriptor }),
  }),
  "images.pushObject": stream({
    doc: "Pushes one object of the content store to a registry's repository.",
    request: v.object({
      ...inNamespace,
      ...registryAccess,
      /** Full reference: a manifest or index gets its tag; without one it is known by its digest alone, which REPOSITORY@DIGEST says. */
      name: v.string(),
      digest,
      /** A manifest's or index's media type pushes it as such; every other type as a blob. */
      mediaType: v.string(),
    }),
    item: progress,
    input: v.never(),
    reply: v.object({ target: descriptor, /** False: the registry has the blob already. */ pushed: v.boolean() }),
  }),
  "images.listTags": call({
    doc: "The tags of a registry's repository.",
    idempotent: true,
    request: v.object({ ...inNamespace, ...registryAccess, /** docker.io/library/busybox */ repository: v.string() }),
    reply: v.object({ tags: v.array(v.string()) }),
  }),
  "images.login": call({
    doc: "Checks credentials with a registry. PermissionDenied when the registry refuses them.",
    idempotent: true,
    request: v.object({ ...inNamespace, ...registryAccess, /** docker.io, localhost:5000 */ registry: v.string() }),
    /** A refresh token to keep instead of the password, where the registry gives one. */
    reply: v.object({ identityToken: v.optional(v.string()) }),
  }),
};
