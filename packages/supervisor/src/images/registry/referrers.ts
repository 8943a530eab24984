import { type ImageDescriptor, mediaTypes, parseIndex } from "@gantry/oci-spec";
import { invalidArgument, isNotFound } from "../../errors.ts";
import type { RepositoryClient } from "./client.ts";
import { retrying } from "./retry.ts";

/**
 * The documents of a repository that have another one as their subject (distribution-spec, "Listing Referrers");
 * by the tag schema where the registry has no referrers API.
 */
export async function listReferrers(repository: RepositoryClient, subject: string): Promise<ImageDescriptor[]> {
  const byApi = await referrersByApi(repository, subject);
  if (byApi) return byApi;
  const tagged = await repository.manifestIfThere(referrersTag(subject));
  if (tagged?.descriptor.mediaType !== mediaTypes.index) return [];
  return parseIndex(tagged.bytes).manifests;
}

/** The tag under which a registry without the API keeps the list: sha256-<hex>. */
export function referrersTag(subject: string): string {
  return subject.replace(":", "-").slice(0, 128);
}

/** Undefined where the registry does not have the API. */
async function referrersByApi(repository: RepositoryClient, subject: string): Promise<ImageDescriptor[] | undefined> {
  return await repository.over("pull", (endpoint) =>
    retrying(repository.signal, async () => {
      const headers = { accept: mediaTypes.index };
      const response = await repository.send(endpoint, { method: "GET", path: `referrers/${subject}`, headers });
      const type = (response.headers["content-type"] ?? "").split(";")[0];
      if (
        response.status === 404 ||
        response.status === 405 ||
        (response.status === 200 && type !== mediaTypes.index)
      ) {
        response.body.resume();
        return undefined;
      }
      if (response.status !== 200) throw await repository.refused(endpoint, response, "no referrers");
      const value = await repository.readJson(response);
      if (typeof value !== "object" || value === null) throw invalidArgument("the list of referrers is no index");
      return parseIndex(value).manifests;
    }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    }),
  );
}
