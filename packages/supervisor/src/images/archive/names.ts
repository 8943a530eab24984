import {
  formatReference,
  type ImageDescriptor,
  normalizeReference,
  parseDigest,
  parseReference,
  repositoryName,
} from "@gantry/oci-spec";

/** Rules for the names of an archive's images; see `images.load` in the contract. */
export interface NamingRules {
  readonly defaultName?: string | undefined;
  readonly baseName?: string | undefined;
  readonly digestsIn?: string | undefined;
  readonly digestsForUnnamed?: boolean | undefined;
}

const nameAnnotation = "io.containerd.image.name";
const tagAnnotation = "org.opencontainers.image.ref.name";

/**
 * Full names that an entry of an index.json gives its image: containerd's annotation has a name, the standard one a
 * name or a tag alone, which belongs to the base or default name's repository.
 * @returns undefined for an image that is skipped
 */
export function annotatedNames({ annotations = {} }: ImageDescriptor, rules: NamingRules): string[] | undefined {
  const text = annotations[nameAnnotation] ?? annotations[tagAnnotation];
  if (text === undefined) return [];
  if (/[/:@]/.test(text) || annotations[nameAnnotation] !== undefined) return keptNames([text], rules);
  const repository = rules.baseName ?? rules.defaultName;
  if (repository !== undefined) {
    const { domain, path } = parseReference(repository);
    return [formatReference({ domain, path, tag: text })];
  }
  return /^(latest|v?\d[\w.-]*)$/.test(text) ? [] : [normalizeReference(text)];
}

/** The full form of an archive's names. @returns undefined when none of them is in the base name's repository */
export function keptNames(names: readonly string[], { baseName }: NamingRules): string[] | undefined {
  const full = [...new Set(names.map((name) => normalizeReference(name)))];
  if (baseName === undefined) return full;
  const base = repositoryName(parseReference(baseName));
  const kept = full.filter((name) => repositoryName(parseReference(name)) === base);
  return kept.length > 0 || full.length === 0 ? kept : undefined;
}

/** All names of an image. @param isAlone true when no other image of the archive is without a name */
export function finalNames(
  names: readonly string[],
  target: ImageDescriptor,
  rules: NamingRules,
  isAlone: boolean,
): string[] {
  const { defaultName, digestsIn, digestsForUnnamed = false } = rules;
  const all = [...names];
  if (digestsIn !== undefined && (names.length === 0 || !digestsForUnnamed)) {
    const { domain, path } = parseReference(digestsIn);
    all.push(formatReference({ domain, path, digest: target.digest }));
  }
  if (all.length > 0) return all;
  if (defaultName === undefined) return [target.digest];
  return [isAlone ? normalizeReference(defaultName) : nameByDigest(defaultName, target)];
}

/** A name in a repository, with the digest as its tag. */
export function nameByDigest(repository: string, { digest }: Pick<ImageDescriptor, "digest">): string {
  const { domain, path } = parseReference(repository);
  return formatReference({ domain, path, tag: parseDigest(digest).hex.slice(0, 64) });
}
