import { UsageError } from "@gantry/cli";
import { formatUnixTime } from "@gantry/common/timestamp";
import { parseMoment } from "./time.ts";

/** All of --filter: KEY=VALUE, several values of a key together. @throws UsageError */
export function parseFilters(texts: readonly string[]): Record<string, string[]> | undefined {
  if (texts.length === 0) return undefined;
  const filters: Record<string, string[]> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 1)
      throw new UsageError(
        `invalid argument "${text}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      );
    const key = text.slice(0, equals).trim().toLowerCase();
    filters[key] = [...(filters[key] ?? []), text.slice(equals + 1).trim()];
  }
  return filters;
}

/** The filter `until`, a moment as people write it, as Unix seconds in nanoseconds' precision. @throws UsageError */
export function withUnixTimes(
  filters: Record<string, string[]> | undefined,
  nowNs: bigint,
): Record<string, string[]> | undefined {
  const { until } = filters ?? {};
  if (!until) return filters;
  try {
    return { ...filters, until: until.map((text) => formatUnixTime(parseMoment(text, nowNs))) };
  } catch (error) {
    throw new UsageError(`invalid filter "until": ${(error as Error).message}`);
  }
}
