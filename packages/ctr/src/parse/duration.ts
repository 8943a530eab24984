import { UsageError } from "@gantry/cli";

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Reads a span of time as Go writes it: 10s, 1h30m, 0.
 * @param flag its flag, for the error
 * @returns milliseconds
 * @throws UsageError
 */
export function parseDuration(text: string, flag: string): number {
  if (text === "0") return 0;
  const form = /^(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/;
  if (!form.test(text))
    throw new UsageError(`invalid value "${text}" for ${flag}: must be a duration such as 10s or 1h30m`);
  let sum = 0;
  for (const [, number, unit = ""] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(number) * (milliseconds[unit] ?? 0);
  }
  return Math.ceil(sum);
}
