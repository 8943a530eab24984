/** Times as Docker writes them: RFC 3339 in UTC with nine digits of fraction. */

const wallStart = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** What Docker shows for a time that has not come. */
export const zeroTime = "0001-01-01T00:00:00Z";

/** Nanoseconds since 1970; follows steps of the system's clock. */
export function nowNs(): bigint {
  const precise = wallStart + process.hrtime.bigint();
  const coarse = BigInt(Date.now()) * 1_000_000n;
  const drift = precise - coarse;
  return drift > 50_000_000n || drift < -50_000_000n ? coarse : precise;
}

/** RFC 3339 text of nanoseconds since 1970. */
export function formatNs(ns: bigint): string {
  const seconds = ns / 1_000_000_000n;
  const fraction = (ns % 1_000_000_000n).toString().padStart(9, "0");
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** The present as RFC 3339 text. */
export function now(): string {
  return formatNs(nowNs());
}

/** Nanoseconds since 1970 of RFC 3339 text with up to nine digits of fraction; undefined when it is no such text. */
export function parseNs(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return undefined;
  const seconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** Nanoseconds of seconds with a fraction, as filters give them. */
export function secondsToNs(seconds: number): bigint {
  const whole = Math.floor(seconds);
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e9));
}

/** Unix seconds of RFC 3339 text; 0 when it is none. */
export function unixSeconds(text: string): number {
  return Math.floor(Date.parse(text) / 1000) || 0;
}
