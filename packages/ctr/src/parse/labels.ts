import { CommandError } from "../command.ts";

/** KEY=VALUE arguments as labels; an empty value takes a label away. @throws CommandError */
export function parseLabels(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => parseLabel(word)));
}

/** As of a flag that may be given without a value: `a` is `a=true`, as ctr's --label takes it. */
export function parseLabelFlags(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => (word.includes("=") ? parseLabel(word) : [word, "true"])));
}

function parseLabel(word: string): [string, string] {
  const equals = word.indexOf("=");
  if (equals <= 0) throw new CommandError(`invalid label "${word}": must be KEY=VALUE`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

/** "a=b,c=d", by key; "-" or what else is wanted where there are none. */
export function formatLabels(labels: Readonly<Record<string, string>>, none = ""): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? none : pairs.sort().join(",");
}
