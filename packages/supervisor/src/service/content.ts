import { failedPrecondition, notFound, unimplemented } from "../errors.ts";
import { collect, type Stores } from "../images/collect.ts";
import { bytesOf } from "./bytes.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function contentService(stores: Stores): ServiceHandlers<"content"> {
  const { content, metadata } = stores;
  const later = async () => {
    throw unimplemented("content");
  };
  return {
    "content.info": async ({ namespace, digest }) => content.info(namespace, digest),
    "content.list": async ({ namespace }) => ({ blobs: metadata.blobs.list(namespace) }),
    "content.read": async ({ namespace, digest, offset, length }, { send }) => {
      const range = { ...(offset === undefined ? {} : { offset }), ...(length === undefined ? {} : { length }) };
      if (length !== 0) for await (const chunk of content.read(namespace, digest, range)) await send({}, chunk);
      return {};
    },
    "content.write": async ({ namespace, digest, size, labels }, { input }) => {
      using ingest = content.ingest(digest);
      for await (const chunk of bytesOf(input)) ingest.write(chunk);
      metadata.namespaces.ensure(namespace);
      await content.commit(ingest, { namespace, managed: false, digest, size, ...(labels ? { labels } : {}) });
      return content.info(namespace, ingest.digest);
    },
    "content.ingest": later,
    "content.commit": later,
    "content.ingests": later,
    "content.status": later,
    "content.abort": later,
    "content.check": later,
    "content.label": later,
    "content.delete": async ({ namespace, digest }) => {
      content.info(namespace, digest);
      const needed = metadata.blobs.closure([...metadata.images.targets(namespace), ...stores.leases.ids()]);
      if (needed.has(digest)) throw failedPrecondition(`content ${digest} is part of an image`);
      if (!content.delete(namespace, digest)) throw notFound(`no such content: ${digest}`);
      collect(stores, namespace);
      return {};
    },
  };
}
