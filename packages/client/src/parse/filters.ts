import { UsageError } from "@gantry/cli";

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
