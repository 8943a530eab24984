import { CommandError } from "../command.ts";

/** KEY=VALUE arguments as labels; an empty value removes a label. @throws CommandError */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => parseLabel(text)));
}

/** As of a flag that may be given without a value: `a` is `a=true`, as ctr's --label takes it. */
export function parseLabelFlags(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => (text.includes("=") ? parseLabel(text) : [text, "true"])));
}

function parseLabel(text: string): [string, string] {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new CommandError(`invalid label "${text}": must be KEY=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** "a=b,c=d", by key; "-" or the given text without labels. */
export function formatLabels(labels: Readonly<Record<string, string>>, none = ""): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? none : pairs.sort().join(",");
}
