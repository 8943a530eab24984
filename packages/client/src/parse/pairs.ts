import type { FlagTable } from "@gantry/cli";
import { flagValue } from "./flag-value.ts";

/** `key=value` texts as a record; a key alone has an empty value. */
export function pairs(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf("=");
      return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** The same, but "=" is required. @throws Error naming the invalid text */
export function strictPairs(texts: readonly string[], kind: string): Record<string, string> {
  for (const text of texts) {
    if (text.indexOf("=") < 1) throw new Error(`invalid ${kind} format: "${text}" must be KEY=VALUE`);
  }
  return pairs(texts);
}

/** Values of --label, each with a name. @throws UsageError */
export function checkedLabels(table: FlagTable, texts: readonly string[]): readonly string[] {
  for (const text of texts) {
    flagValue(table, "label", text, () => {
      if (text === "" || text.startsWith("=")) throw new Error(`invalid label '${text}': empty name`);
    });
  }
  return texts;
}
