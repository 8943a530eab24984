import type { ReplyOf } from "@gantry/ipc";
import { filtersOf } from "../parse/filters.ts";
import type { SupervisorMethods } from "../supervisor/connect.ts";
import type { BlobSource } from "./blob.ts";

type Blobs = ReplyOf<SupervisorMethods["content.list"]>["blobs"];

/** All blobs of a namespace that match filters, in as many calls as needed. */
export async function allBlobs({ supervisor, namespace }: BlobSource, filters: readonly string[] = []): Promise<Blobs> {
  const blobs: Blobs = [];
  const request = { namespace, ...filtersOf(filters) };
  let after: string | undefined;
  do {
    const page = await supervisor.call("content.list", { ...request, ...(after === undefined ? {} : { after }) });
    blobs.push(...page.blobs);
    after = page.next;
  } while (after !== undefined);
  return blobs;
}
