/** Times as Docker writes them, RFC 3339 and Unix time, from and to nanoseconds since 1970 as bigint. */

/** Docker's placeholder for a time that is not set, such as the finish of a running container. */
export const zeroTimestamp = "0001-01-01T00:00:00Z";

/** RFC 3339 text, in UTC with nine digits of fraction, of nanoseconds since 1970. */
export function formatTimestamp(ns: bigint): string {
  const fraction = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (ns - fraction) / 1_000_000_000n;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, -5)}.${fraction.toString().padStart(9, "0")}Z`;
}

/** Nanoseconds since 1970 of RFC 3339 text with up to nine digits of fraction; undefined for any other text. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return undefined;
  const milliseconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** Nanoseconds since 1970 of Unix seconds with up to nine digits of fraction; undefined for any other text. */
export function parseUnixTime(text: string): bigint | undefined {
  const [, sign, seconds, fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  return sign === "-" ? -ns : ns;
}

/** Unix seconds with nine digits of fraction, as Docker's clients send times. */
export function formatUnixTime(ns: bigint): string {
  const digits = String(ns < 0n ? -ns : ns).padStart(10, "0");
  return `${ns < 0n ? "-" : ""}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** Whole Unix seconds of RFC 3339 text; 0 for any other text. */
export function unixSeconds(text: string): number {
  return Math.floor(Date.parse(text) / 1000) || 0;
}
