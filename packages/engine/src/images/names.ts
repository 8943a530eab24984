import { familiarReference, parseReference, type Reference, repositoryName } from "@gantry/oci-spec";
import { invalid } from "../base/errors.ts";

/**
 * Images without a name that people gave them still need one in the supervisor, which keeps what has a name.
 * ".invalid" is a domain that no registry can have (RFC 6761).
 */
const namelessDomain = "none.invalid";

/** Repository of those that had a name and lost it. */
export const namelessRepository = `${namelessDomain}/image`;

/** A name for an image that is to have none. */
export function namelessName(tag: string): string {
  return `${namelessRepository}:${tag}`;
}

/** Where those of one archive go, each with a tag of its own. */
export function namelessArchive(id: string): string {
  return `${namelessDomain}/load-${id}:image`;
}

export function isNameless(fullName: string): boolean {
  return fullName.startsWith(`${namelessDomain}/`);
}

/** "busybox:latest" of docker.io/library/busybox:latest; undefined for a name by digest or one that people never see. */
export function shownTag(fullName: string): string | undefined {
  if (isNameless(fullName)) return undefined;
  const reference = parseReference(fullName);
  return reference.digest === undefined ? familiarReference(reference) : undefined;
}

/** "busybox@sha256:…" of repo@digest in full. */
export function shownDigest(fullName: string): string {
  return familiarReference(parseReference(fullName));
}

/** Reads a name that someone gives an image: repo[:tag]. @throws RpcError InvalidArgument */
export function targetName(text: string): Reference {
  let reference: Reference;
  try {
    reference = parseReference(text);
  } catch (error) {
    throw invalid(
      `invalid reference format: ${error instanceof Error ? error.message.replace(/^invalid reference format: /, "") : text}`,
    );
  }
  if (reference.digest !== undefined) throw invalid("refusing to create a tag with a digest reference");
  return { ...reference, tag: reference.tag ?? "latest" };
}

/** True when both name the same repository. */
export function sameRepository(a: string, b: string): boolean {
  return repositoryName(parseReference(a)) === repositoryName(parseReference(b));
}
