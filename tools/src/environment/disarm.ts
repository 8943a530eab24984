import type { Arch } from "../arch.ts";
import { disarmComparisons, disarmNumbers } from "./code.ts";
import { loadedSections, type Section } from "./elf.ts";
import type { EnvironmentRules } from "./names.ts";

const word = "A-Za-z0-9_$";

/**
 * Renames the variables of the environment that a JS runtime reads, inside its executable: the first character becomes
 * "=", which no name can contain, or "$" in the JavaScript text of built-in modules.
 * @throws Error for a name that is not reviewed, or code that is not found
 */
export function disarm(executable: Buffer, arch: Arch["name"], rules: EnvironmentRules): void {
  const sections = loadedSections(executable);
  for (const section of sections) if (!section.executable) disarmData(executable, section, rules);
  const code = sections
    .filter((section) => section.executable)
    .map(({ start, end }) => ({ arch, bytes: executable.subarray(start, end) }));
  for (const part of code) disarmNumbers(part, rules.disarmed);
  for (const name of rules.comparedInCode)
    if (code.reduce((count, part) => count + disarmComparisons(part, name), 0) === 0)
      throw new Error(`no code compares with ${name}: find how this version reads such variables`);
  const unknown = unreviewedNames(executable, rules);
  if (unknown.length > 0)
    throw new Error(
      `names of variables that are not reviewed in tools/src/environment/names.ts: ${unknown.join(", ")}`,
    );
}

function disarmData(executable: Buffer, section: Section, rules: EnvironmentRules): void {
  const text = executable.toString("latin1", section.start, section.end);
  for (const at of placesOf(text, rules)) executable[section.start + at] = replacement(text, at).charCodeAt(0);
}

/** Where the names begin. Text of a family may follow other text without a break; a single name must stand alone. */
function placesOf(text: string, { families, disarmed }: EnvironmentRules): number[] {
  const names = disarmed.map((name) => `(?<![${word}])${name}(?![${word}])`);
  const inFamilies = families.map((prefix) => `${prefix}(?=[A-Za-z]{2})`);
  // Names of fixed length, one after the other without a break, as some compilers store them.
  const stored = disarmed.filter((name) => name.length > 12).map((name) => `(?<![${word.replace("A-Z", "")}])${name}`);
  const pattern = new RegExp([...inFamilies, ...names, ...stored].join("|"), "g");
  return [...text.matchAll(pattern)].map(({ index }) => index);
}

/** In JavaScript text, where a name follows a dot or a quote and is not the end of a C string, "=" would be an error. */
function replacement(text: string, at: number): "=" | "$" {
  const end = /[^A-Za-z0-9_]/g;
  end.lastIndex = at;
  const next = end.exec(text)?.[0];
  return next !== "\0" && /[.'"` {(,\n[!]/.test(text[at - 1] ?? "") ? "$" : "=";
}

/** Names that look like variables and are in none of the lists: C strings, and reads of `process.env` in JavaScript. */
export function unreviewedNames(executable: Buffer, rules: EnvironmentRules): string[] {
  const name = `(?:${[...rules.families, ...rules.reviewed].join("|")})[A-Z0-9_]*[A-Z0-9]`;
  const pattern = new RegExp(`(?<=\\0)${name}(?=\\0)|(?<=\\benv\\.)${name}(?![${word}])`, "g");
  const found = new Set<string>();
  for (const { start, end, executable: isCode } of loadedSections(executable)) {
    if (isCode) continue;
    for (const [text] of executable.toString("latin1", start, end).matchAll(pattern)) found.add(text);
  }
  const isReviewed = (text: string) => rules.constants.some((constant) => text.startsWith(constant));
  return [...found].filter((text) => !isReviewed(text)).sort();
}
