import * as v from "valibot";
import { digest, empty, integer, labels, timestamp } from "../common.ts";
import { call, stream } from "../define.ts";
import { filters } from "./filters.ts";
import { inNamespace, underLease } from "./scope.ts";

const count = v.pipe(integer, v.minValue(0));

export const contentInfo = v.object({ digest, size: integer, createdAt: timestamp, updatedAt: timestamp, labels });

/** Bytes on their way into the store. Accepted bytes survive the end of the stream, and of the supervisor. */
export const ingestStatus = v.object({
  /** Its name: unique in the namespace. */
  ref: v.string(),
  /** Bytes received so far: the next ones are written from there. */
  offset: integer,
  /** Expected number of bytes; 0 when unknown. */
  total: integer,
  /** Expected digest, where known. */
  expected: v.optional(digest),
  startedAt: timestamp,
  updatedAt: timestamp,
});
export type IngestStatus = v.InferOutput<typeof ingestStatus>;

const ref = v.pipe(v.string(), v.minLength(1, "must not be empty"), v.maxLength(1024));
const ofIngest = { ...inNamespace, ref };
const expected = { digest: v.optional(digest), size: v.optional(count) };

export const content = {
  "content.info": call({
    doc: "Size and labels of a blob.",
    idempotent: true,
    request: v.object({ ...inNamespace, digest }),
    reply: contentInfo,
  }),
  "content.list": call({
    doc: "Blobs in the order of their digests, in pages. Filters match digest, size and labels.",
    idempotent: true,
    request: v.object({
      ...inNamespace,
      filters,
      /** Only digests after this one. */
      after: v.optional(v.string()),
      /** Largest number of items; 100 000 unless given. */
      limit: v.optional(v.pipe(integer, v.minValue(1), v.maxValue(100_000))),
    }),
    /** `next` is the `after` of the next call; absent: that was all. */
    reply: v.object({ blobs: v.array(contentInfo), next: v.optional(digest) }),
  }),
  "content.read": stream({
    doc: "Bytes of a blob, in the items' blobs.",
    request: v.object({ ...inNamespace, digest, offset: v.optional(count), length: v.optional(count) }),
    item: empty,
    input: v.never(),
    reply: empty,
  }),
  "content.write": stream({
    doc: "Stores a blob from the input's blobs in one go; its digest and size, where given, are checked before it becomes visible, and a stream that is cut leaves nothing. Without a lease it is kept until content.delete.",
    request: v.object({ ...inNamespace, ...underLease, ...expected, labels: v.optional(labels) }),
    item: v.never(),
    input: empty,
    reply: contentInfo,
  }),
  "content.ingest": stream({
    doc: "Begins or resumes an ingest from the input's blobs. A second writer of the same ingest gets Unavailable. AlreadyExists when the namespace has the digest.",
    request: v.object({
      ...ofIngest,
      ...underLease,
      /** Offset of the first byte: 0 restarts, else the ingest's own offset; absent: continue there. */
      offset: v.optional(count),
      /** Expected number of bytes. */
      total: v.optional(count),
      /** Expected digest: checked by the commit. */
      expected: v.optional(digest),
    }),
    item: v.never(),
    input: empty,
    reply: ingestStatus,
  }),
  "content.commit": call({
    doc: "Turns an ingest into a blob once its digest and size match those given here or at its begin; else it stays as it is. Without a lease the blob is kept until content.delete.",
    request: v.object({ ...ofIngest, ...underLease, ...expected, labels: v.optional(labels) }),
    reply: contentInfo,
  }),
  "content.ingests": call({
    doc: "Lists the ingests that are under way or can be resumed, by ref. Filters match ref.",
    idempotent: true,
    request: v.object({ ...inNamespace, filters }),
    reply: v.object({ ingests: v.array(ingestStatus) }),
  }),
  "content.status": call({
    doc: "One ingest.",
    idempotent: true,
    request: v.object(ofIngest),
    reply: ingestStatus,
  }),
  "content.abort": call({
    doc: "Aborts an ingest and removes its bytes. Unavailable while a client writes it.",
    request: v.object(ofIngest),
    reply: empty,
  }),
  "content.check": stream({
    doc: "Reads blobs again and compares them with their digests; an item for each.",
    request: v.object({ ...inNamespace, /** All blobs of the namespace unless given. */ digest: v.optional(digest) }),
    item: v.object({
      digest,
      size: integer,
      /** The defect that was found; absent for an intact blob. */ problem: v.optional(v.string()),
    }),
    input: v.never(),
    reply: v.object({ checked: integer, corrupt: v.array(digest) }),
  }),
  "content.label": call({
    doc: "Sets labels of a blob; an empty value removes one.",
    idempotent: true,
    request: v.object({
      ...inNamespace,
      digest,
      labels,
      /** Removes the existing labels first. */
      replace: v.optional(v.boolean()),
    }),
    reply: contentInfo,
  }),
  "content.delete": call({
    doc: "Removes a blob that nothing refers to.",
    request: v.object({ ...inNamespace, digest }),
    reply: empty,
  }),
};
