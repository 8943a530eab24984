declare global {
  interface JSON {
    /** ECMAScript's "JSON.parse source text access", which TypeScript does not know yet. */
    rawJSON(text: string): unknown;
  }
}

const largestUnsigned = 2n ** 64n - 1n;

/**
 * A counter's or limit's digits, all of them. Above 2^53 JavaScript writes a number rounded, though the kernel's limits,
 * which are whole pages, come through exactly; 2^64 stands for "max", which containerd writes as the largest number.
 */
export function exactNumber(value: number): string {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return String(value);
  const exact = BigInt(value);
  return String(exact > largestUnsigned ? largestUnsigned : exact);
}

/** A document as JSON of two spaces, its numbers as exactNumber writes them. */
export function exactJson(document: unknown): string {
  const exact = (_: string, value: unknown) => (typeof value === "number" ? JSON.rawJSON(exactNumber(value)) : value);
  return JSON.stringify(document, exact, 2);
}
