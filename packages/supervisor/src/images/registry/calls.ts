import { parseReference } from "@gantry/oci-spec";
import { permissionDenied } from "../../errors.ts";
import type { RegistryCall } from "./call.ts";
import { RepositoryClient } from "./client.ts";
import { Endpoint } from "./endpoint.ts";
import { withContext } from "./error-context.ts";
import { registryHosts } from "./hosts.ts";
import { refusal } from "./refusal.ts";
import { tagsOf } from "./tags.ts";

/** The tags of a repository: docker.io/library/busybox. */
export async function listTags(
  request: RegistryCall & { readonly repository: string },
  directories: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const { repository } = request;
  const reference = parseReference(repository);
  using client = new RepositoryClient({ ...request, reference, directories, action: "pull", signal });
  return await withContext(`cannot list the tags of ${repository}`, () => tagsOf(client));
}

/** Checks credentials with a registry. @returns a refresh token, where its token server issues one */
export async function checkLogin(
  request: RegistryCall & { readonly registry: string },
  directories: readonly string[],
  signal: AbortSignal,
): Promise<{ identityToken?: string }> {
  const { registry, auth } = request;
  const { domain } = parseReference(`${registry}/x/x`);
  const own = (await registryHosts(domain, request, directories)).at(-1);
  if (!own) throw permissionDenied(`no host of registry ${registry} is configured`);
  using endpoint = new Endpoint({ host: own, auth, signal, offline: true });
  return await withContext(`cannot log in to ${registry}`, async () => {
    const response = await endpoint.send({ method: "GET", target: "", scope: "" });
    if (response.status === 401 || response.status === 403) {
      response.body.resume();
      throw permissionDenied(`registry ${endpoint.name} refuses the credentials`);
    }
    if (response.status !== 200) {
      const absent = `${registry} is no registry`;
      const purpose = { action: "login", image: registry, host: endpoint.name, hasCredentials: true, absent };
      throw await refusal(response, purpose);
    }
    response.body.resume();
    return endpoint.refreshToken === undefined ? {} : { identityToken: endpoint.refreshToken };
  });
}
