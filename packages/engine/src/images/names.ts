import { familiarReference, parseReference, type Reference, repositoryName } from "@gantry/oci-spec";
import { invalid } from "../base/errors.ts";

/**
 * An image without a name of the user's still needs one in the supervisor, which collects images without names.
 * ".invalid" is a domain that no registry can have (RFC 6761).
 */
const namelessDomain = "none.invalid";

/** Repository of images that lost their name. */
export const namelessRepository = `${namelessDomain}/image`;

/** A hidden name for an image without one. */
export function namelessName(tag: string): string {
  return `${namelessRepository}:${tag}`;
}

/** A hidden name for the nameless images of one archive, each of which gets a tag of its own. */
export function namelessArchive(id: string): string {
  return `${namelessDomain}/load-${id}:image`;
}

export function isNameless(fullName: string): boolean {
  return fullName.startsWith(`${namelessDomain}/`);
}

/** "busybox:latest" of docker.io/library/busybox:latest; undefined for a name by digest or a hidden one. */
export function shownTag(fullName: string): string | undefined {
  if (isNameless(fullName)) return undefined;
  const reference = parseReference(fullName);
  return reference.digest === undefined ? familiarReference(reference) : undefined;
}

/** "busybox@sha256:…" of repo@digest in full. */
export function shownDigest(fullName: string): string {
  return familiarReference(parseReference(fullName));
}

/** Parses a new name of an image: repo[:tag]. @throws RpcError InvalidArgument */
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

/** Whether both names are in the same repository. */
export function sameRepository(a: string, b: string): boolean {
  return repositoryName(parseReference(a)) === repositoryName(parseReference(b));
}
