/** The algorithms that image-spec descriptor.md registers, and the length of their hex form. */
const hexLengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

export interface Digest {
  readonly algorithm: "sha256" | "sha512";
  /** Lower-case hex. */
  readonly hex: string;
}

/** True for `sha256:<64 hex>` and `sha512:<128 hex>`. */
export function isDigest(text: string): boolean {
  const colon = text.indexOf(":");
  const hex = text.slice(colon + 1);
  return hexLengths[text.slice(0, Math.max(colon, 0))] === hex.length && /^[a-f0-9]+$/.test(hex);
}

/**
 * Splits a digest.
 * @throws Error naming the text and the forms allowed
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new Error(`invalid digest "${text}": must be sha256:<64 hex> or sha512:<128 hex>`);
  const colon = text.indexOf(":");
  return { algorithm: text.slice(0, colon) as Digest["algorithm"], hex: text.slice(colon + 1) };
}

/** The digest of some bytes; sha256 by default. */
export function digestOf(bytes: Uint8Array | string, algorithm: Digest["algorithm"] = "sha256"): string {
  // Takes long to load: only who hashes pays for it.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}
