import * as v from "valibot";
import { digest, empty, integer, labels, timestamp } from "../common.ts";
import { call, stream } from "../define.ts";
import { inNamespace } from "./scope.ts";

const contentInfo = v.object({ digest, size: integer, createdAt: timestamp, labels });

export const content = {
  "content.info": call({
    doc: "Size and labels of a blob.",
    idempotent: true,
    request: v.object({ ...inNamespace, digest }),
    reply: contentInfo,
  }),
  "content.list": call({
    doc: "All blobs.",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ blobs: v.array(contentInfo) }),
  }),
  "content.read": stream({
    doc: "Bytes of a blob, in the items' blobs.",
    request: v.object({ ...inNamespace, digest, offset: v.optional(integer), length: v.optional(integer) }),
    item: empty,
    input: v.never(),
    reply: empty,
  }),
  "content.write": stream({
    doc: "Stores a blob from the input's blobs; its digest and size are checked before it becomes visible.",
    request: v.object({ ...inNamespace, digest, size: v.optional(integer), labels: v.optional(labels) }),
    item: v.never(),
    input: empty,
    reply: contentInfo,
  }),
  "content.delete": call({
    doc: "Removes a blob that nothing refers to.",
    request: v.object({ ...inNamespace, digest }),
    reply: empty,
  }),
};
