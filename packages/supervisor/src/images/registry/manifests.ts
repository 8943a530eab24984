import { type ImageDescriptor, mediaTypes, parseIndex, parseManifest } from "@gantry/oci-spec";
import type { PushDocument } from "../push/plan.ts";
import type { RepositoryClient } from "./client.ts";
import { listReferrers, referrersTag } from "./referrers.ts";
import { retrying } from "./retry.ts";
import { requireSameDigest } from "./upload.ts";

/** Pushes a manifest or index under a tag or its digest, and adds it to the referrers of its subject. */
export async function putManifest(repository: RepositoryClient, document: PushDocument, name: string): Promise<void> {
  const knowsSubject = await put(repository, document, name);
  if (document.subject === undefined || knowsSubject) return;
  await addToReferrers(repository, document, document.subject);
}

/** @returns whether the registry keeps the list of referrers itself (distribution-spec, "Pushing Manifests with Subject") */
async function put(
  repository: RepositoryClient,
  { descriptor, bytes }: Pick<PushDocument, "descriptor" | "bytes">,
  name: string,
): Promise<boolean> {
  const endpoint = await repository.pushEndpoint();
  return await retrying(repository.signal, async () => {
    const response = await repository.send(endpoint, {
      method: "PUT",
      path: `manifests/${name}`,
      headers: { "content-type": descriptor.mediaType, "content-length": String(bytes.length) },
      body: () => bytes,
    });
    if (response.status !== 201 && response.status !== 200) {
      throw await repository.refused(endpoint, response, `${repository.name} has no such repository`);
    }
    response.body.resume();
    requireSameDigest(response, descriptor.digest);
    return response.headers["oci-subject"] !== undefined;
  });
}

/** The tag schema for registries without the referrers API: an index under the tag of the subject's digest. */
async function addToReferrers(repository: RepositoryClient, document: PushDocument, subject: string): Promise<void> {
  const known = await listReferrers(repository, subject);
  if (known.some(({ digest }) => digest === document.descriptor.digest)) return;
  const manifests = [...known, describe(document)];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }));
  const descriptor = { mediaType: mediaTypes.index, digest: "", size: bytes.length };
  await put(repository, { descriptor, bytes }, referrersTag(subject));
}

/** The entry for a list of referrers, with the artifact's type and the manifest's annotations. */
function describe({ descriptor, bytes }: PushDocument): ImageDescriptor {
  const { mediaType, digest, size } = descriptor;
  if (mediaType === mediaTypes.index) {
    const { annotations } = parseIndex(bytes);
    return { mediaType, digest, size, ...(annotations && { annotations }) };
  }
  const { artifactType, config, annotations } = parseManifest(bytes);
  return {
    mediaType,
    digest,
    size,
    artifactType: artifactType ?? config.mediaType,
    ...(annotations && { annotations }),
  };
}
