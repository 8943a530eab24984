import type { RepositoryClient } from "./client.ts";
import { retrying } from "./retry.ts";

const tagsAtOnce = 1000;
const maxTags = 1_000_000;

/** All tags of a repository (distribution-spec, "Listing Tags"). @throws RpcError */
export async function tagsOf(repository: RepositoryClient): Promise<string[]> {
  const tags: string[] = [];
  let next: string | URL | undefined = `${repository.reference.path}/tags/list?n=${tagsAtOnce}`;
  while (next !== undefined && tags.length < maxTags) {
    const page = await readPage(repository, next);
    tags.push(...page.tags);
    next = page.next;
  }
  return tags;
}

/** A page of tags, and the URL of the next one (RFC 8288). */
async function readPage(
  repository: RepositoryClient,
  target: string | URL,
): Promise<{ tags: string[]; next: URL | undefined }> {
  return await repository.over("pull", (endpoint) =>
    retrying(repository.signal, async () => {
      const response = await endpoint.send({ method: "GET", target, scope: repository.scope });
      if (response.status !== 200) {
        throw await repository.refused(endpoint, response, `${repository.name} has no such repository`);
      }
      const value = await repository.readJson(response);
      const list = typeof value === "object" && value !== null ? Reflect.get(value, "tags") : undefined;
      const tags = Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
      const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(response.headers.link ?? ""))?.[1];
      return { tags, next: link !== undefined ? endpoint.locate(link) : undefined };
    }),
  );
}
