const unitSeconds: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** Seconds of a Go duration (1h30m, 500ms, -5s); undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, number, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    seconds += Number(number) * (unitSeconds[unit as string] ?? 0);
  }
  return text.startsWith("-") ? -seconds : seconds;
}

/** 2013-01-02, 2013-01-02T15:04, with seconds, fraction and zone; without a zone it is local time. */
const timestampForm = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?)?(?:Z|[+-]\d{2}:\d{2})?$/;

/**
 * Unix seconds of --since and --until: a duration before now, an RFC 3339 time or a part of one, or Unix seconds.
 * @throws Error
 */
export function parseMoment(text: string, nowSeconds: number): number {
  const duration = parseDuration(text);
  if (duration !== undefined && !/^\d+$/.test(text)) return nowSeconds - duration;
  if (/^-?\d+(?:\.\d{1,9})?$/.test(text)) return Number(text);
  if (timestampForm.test(text)) {
    const milliseconds = Date.parse(dateText(text));
    if (!Number.isNaN(milliseconds)) return milliseconds / 1000 + belowMilliseconds(text);
  }
  throw new Error(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
}

/** What Date.parse takes: it wants hours with minutes, and takes a bare date for UTC. */
function dateText(text: string): string {
  const [, date = "", clock = "", zone = ""] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ]([\d:.]+))?(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? [];
  const full = clock === "" ? "00:00" : clock.includes(":") ? clock : `${clock}:00`;
  return `${date}T${full.replace(/(\.\d{3})\d+$/, "$1")}${zone}`;
}

function belowMilliseconds(text: string): number {
  const digits = /\.\d{3}(\d+)/.exec(text)?.[1];
  return digits === undefined ? 0 : Number(`0.000${digits}`);
}
