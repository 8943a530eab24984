import { parseUnixTime } from "@gantry/common/timestamp";

const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Nanoseconds of a Go duration (1h30m, 500ms, -5s); undefined for any other text. */
export function parseDuration(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) return 0n;
  if (!/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let ns = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = 10n ** BigInt(fraction.length);
    ns += (BigInt(`${whole}${fraction}`) * (unitNs[unit] ?? 0n)) / scale;
  }
  return text.startsWith("-") ? -ns : ns;
}

/** 2013-01-02, 2013-01-02T15:04, with seconds, fraction and zone; without a zone it is local time. */
const timestampForm =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:[T ](?<clock>\d{2}(?::\d{2}(?::\d{2}(?:\.(?<fraction>\d{1,9}))?)?)?))?(?<zone>Z|[+-]\d{2}:\d{2})?$/;

/**
 * Nanoseconds since 1970 of --since and --until: a duration before now, an RFC 3339 time or a part of one, or Unix
 * seconds with a fraction.
 * @throws Error
 */
export function parseMoment(text: string, nowNs: bigint): bigint {
  const ns = parseUnixTime(text) ?? before(nowNs, parseDuration(text)) ?? parseDate(text);
  if (ns === undefined) throw new Error(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return ns;
}

function before(nowNs: bigint, duration: bigint | undefined): bigint | undefined {
  return duration === undefined ? undefined : nowNs - duration;
}

function parseDate(text: string): bigint | undefined {
  const { date, clock = "", fraction = "", zone = "" } = timestampForm.exec(text)?.groups ?? {};
  if (date === undefined) return undefined;
  // Date.parse wants hours with minutes, and reads a bare date as UTC.
  const [hour = "00", minute = "00", second = "00"] = clock.replace(/\..*$/, "").split(":").filter(Boolean);
  const milliseconds = Date.parse(`${date}T${hour}:${minute}:${second}${zone}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
