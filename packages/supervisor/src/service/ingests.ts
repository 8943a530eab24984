import type { Message } from "@gantry/ipc";
import type { Ingest } from "../content/ingest.ts";
import { alreadyExists, invalidArgument } from "../errors.ts";
import { fieldsOf, parseFilters } from "../filters.ts";
import type { Stores } from "../stores.ts";
import { bytesOf } from "./bytes.ts";
import type { SupervisorHandlers } from "./handlers.ts";

export type IngestMethod =
  | "content.write"
  | "content.ingest"
  | "content.commit"
  | "content.ingests"
  | "content.status"
  | "content.abort";

/** Writing of content. */
export function ingestMethods(stores: Stores): Pick<SupervisorHandlers, IngestMethod> {
  const { content, leases } = stores;
  const { ingests } = content;
  return {
    "content.write": async ({ namespace, lease, digest, size, labels }, { input, signal }) => {
      using operation = leases.acquire({ namespace, lease });
      using ingest = content.ingest(digest);
      for await (const chunk of bytesOf(input)) ingest.write(chunk);
      const stored = { namespace, managed: lease !== undefined, lease: operation, signal };
      await content.commit(ingest, { ...stored, digest, size, labels });
      return content.info(namespace, ingest.digest);
    },
    "content.ingest": async ({ namespace, ref, lease, offset, total, expected }, { input }) => {
      if (lease !== undefined) {
        leases.require(namespace, lease);
        stores.metadata.leases.addResource(namespace, lease, { type: "ingests", id: ref });
      }
      refusePresent(stores, { namespace, expected, total, managed: lease !== undefined });
      using ingest = await content.openIngest({ namespace, ref, expected, total });
      await takeBytes(ingest, ref, { offset, total: ingests.status(namespace, ref).total }, input);
      return ingests.status(namespace, ref);
    },
    "content.commit": async ({ namespace, ref, lease, digest, size, labels }, { signal }) => {
      using operation = leases.acquire({ namespace, lease });
      const { expected, total } = ingests.status(namespace, ref);
      using ingest = await content.openIngest({ namespace, ref, comparedWith: digest });
      const promised = { digest: digest ?? expected, size: size ?? (total > 0 ? total : undefined) };
      const stored = { namespace, managed: lease !== undefined, lease: operation, signal };
      await content.commit(ingest, { ...stored, labels, ...promised });
      return content.info(namespace, ingest.digest);
    },
    "content.ingests": async ({ namespace, filters }) => {
      const matches = parseFilters(filters);
      return { ingests: ingests.list(namespace).filter(({ ref }) => matches(fieldsOf({ ref }))) };
    },
    "content.status": async ({ namespace, ref }) => ingests.status(namespace, ref),
    "content.abort": async ({ namespace, ref }) => {
      ingests.abort(namespace, ref);
      return {};
    },
  };
}

interface Wanted {
  readonly namespace: string;
  readonly expected: string | undefined;
  readonly total: number | undefined;
  readonly managed: boolean;
}

/**
 * All namespaces share a blob: a client that knows its digest and size need not send it again (containerd's "shared"
 * policy).
 * @throws RpcError AlreadyExists
 */
function refusePresent({ content, metadata }: Stores, { namespace, expected, total, managed }: Wanted): void {
  if (expected === undefined) return;
  if (!content.has(namespace, expected)) {
    if (total === undefined) return;
    metadata.namespaces.ensure(namespace);
    if (!content.share({ digest: expected, size: total }, { namespace, managed })) return;
  }
  throw alreadyExists(`content ${expected} already exists`);
}

async function takeBytes(
  ingest: Ingest,
  ref: string,
  { offset, total }: { readonly offset: number | undefined; readonly total: number },
  input: AsyncIterable<Message<unknown>>,
): Promise<void> {
  if (offset === 0) ingest.restart();
  else if (offset !== undefined && offset !== ingest.size) {
    throw invalidArgument(`ingest ${ref} has ${ingest.size} bytes: it continues there, not at ${offset}`);
  }
  for await (const chunk of bytesOf(input)) {
    if (total > 0 && ingest.size + chunk.length > total) {
      throw invalidArgument(`ingest ${ref} would have more than the ${total} bytes that it was started for`);
    }
    ingest.write(chunk);
  }
  await ingest.finish();
}
