import { createHash } from "node:crypto";
import { messageOf } from "@gantry/common/error-message";
import { parseDigest } from "@gantry/oci-spec";
import { failedPrecondition, invalidArgument } from "../errors.ts";
import { fieldsOf, parseFilters } from "../filters.ts";
import type { Collector } from "../gc/collector.ts";
import type { BlobInfo } from "../metadata/blobs.ts";
import type { Stores } from "../stores.ts";
import type { ServiceHandlers } from "./handlers.ts";
import { type IngestMethod, ingestMethods } from "./ingests.ts";

/** Rows that are read between two looks at the event loop. */
const pageSize = 2048;
const maxListed = 100_000;

export function contentService(stores: Stores, collector: Collector): ServiceHandlers<"content"> {
  return { ...blobMethods(stores, collector), ...ingestMethods(stores) };
}

function blobMethods(stores: Stores, collector: Collector): Omit<ServiceHandlers<"content">, IngestMethod> {
  const { content, metadata } = stores;
  return {
    "content.info": async ({ namespace, digest }) => content.info(namespace, digest),
    "content.list": async ({ namespace, filters, after, limit }) =>
      await listBlobs(stores, { namespace, filters, after, limit }),
    "content.read": async ({ namespace, digest, offset = 0, length }, { send }) => {
      const { size } = content.info(namespace, digest);
      if (offset > size) throw invalidArgument(`${digest} has ${size} bytes: it cannot be read from ${offset}`);
      const range = { offset, ...(length === undefined ? {} : { length }) };
      if (length !== 0) for await (const chunk of content.read(namespace, digest, range)) await send({}, chunk);
      return {};
    },
    "content.check": async ({ namespace, digest }, { send, signal }) => {
      const corrupt: string[] = [];
      let checked = 0;
      using lease = stores.leases.acquire({ namespace });
      for (const blob of digest === undefined ? blobsOf(stores, namespace) : [content.info(namespace, digest)]) {
        signal.throwIfAborted();
        if (!content.has(namespace, blob.digest)) continue; // removed since it was listed
        lease.add(blob.digest);
        const problem = await problemOf(blob, content.read(namespace, blob.digest));
        checked += 1;
        if (problem !== undefined) corrupt.push(blob.digest);
        await send({ digest: blob.digest, size: blob.size, ...(problem === undefined ? {} : { problem }) });
      }
      return { checked, corrupt };
    },
    "content.label": async ({ namespace, digest, labels, replace }) => {
      content.info(namespace, digest);
      if (replace) metadata.blobs.replaceLabels(namespace, digest, labels);
      else metadata.blobs.setLabels(namespace, digest, labels);
      collector.schedule(namespace);
      return content.info(namespace, digest);
    },
    "content.delete": async ({ namespace, digest }) => {
      content.info(namespace, digest);
      const needed = metadata.blobs.closure([...metadata.images.targets(namespace), ...stores.leases.ids(namespace)]);
      if (needed.has(digest)) throw failedPrecondition(`content ${digest} is part of an image`);
      content.delete(namespace, digest);
      collector.schedule(namespace);
      return {};
    },
  };
}

interface ListRequest {
  readonly namespace: string;
  readonly filters: readonly string[] | undefined;
  readonly after: string | undefined;
  readonly limit: number | undefined;
}

async function listBlobs(
  { metadata }: Stores,
  { namespace, filters, after = "", limit = maxListed }: ListRequest,
): Promise<{ blobs: BlobInfo[]; next?: string }> {
  const matches = parseFilters(filters);
  const found: BlobInfo[] = [];
  for (let last = after; ; ) {
    const page = metadata.blobs.list(namespace, { after: last, limit: pageSize });
    for (const blob of page) {
      if (!matches(fieldsOf({ digest: blob.digest, size: String(blob.size) }, blob.labels))) continue;
      if (found.length === limit) return { blobs: found, next: found.at(-1)?.digest as string };
      found.push(blob);
    }
    if (page.length < pageSize) return { blobs: found };
    last = page.at(-1)?.digest as string;
    await new Promise(setImmediate); // lets other calls run
  }
}

function* blobsOf({ metadata }: Stores, namespace: string): Generator<BlobInfo> {
  for (let after = ""; ; ) {
    const page = metadata.blobs.list(namespace, { after, limit: pageSize });
    yield* page;
    if (page.length < pageSize) return;
    after = page.at(-1)?.digest as string;
  }
}

/** Compares a blob's file with its size and digest. @returns the problem; undefined: none */
async function problemOf({ digest, size }: BlobInfo, bytes: AsyncIterable<Buffer>): Promise<string | undefined> {
  const { algorithm } = parseDigest(digest);
  const hash = createHash(algorithm);
  let read = 0;
  try {
    for await (const chunk of bytes) {
      hash.update(chunk);
      read += chunk.length;
    }
  } catch (error) {
    return `it cannot be read: ${messageOf(error)}`;
  }
  if (read !== size) return `it has ${read} bytes instead of ${size}`;
  const actual = `${algorithm}:${hash.digest("hex")}`;
  return actual === digest ? undefined : `its bytes are ${actual}`;
}
