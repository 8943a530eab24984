/** A passage that a reader would have to read twice. */
export interface Finding {
  /** From 1. */
  readonly line: number;
  readonly passage: string;
  /** The better term. */
  readonly better: string;
}

interface Rule {
  readonly pattern: RegExp;
  readonly better: string;
}

const subject = "name the subject: the caller, the client, the supervisor, the shim";
const report = "report, emit, notify, return";
const text = "message, text, names, lines";

const prose: readonly Rule[] = [
  { pattern: /\bwhom?(?:so)?ever\b|\bwhom\b|\bwho asks?\b/gi, better: subject },
  { pattern: /(?<!\buser )\bnobody\s+[a-z]/g, better: "unclaimed, unhandled, unused, no client" },
  {
    pattern: /\b(?:ha[sd]|have|having|takes?|gets?|awaits?|waits?\s+for)\s+(?:its|their|his|her)\s+turn\b/gi,
    better: "is next, acquires the lock, is scheduled",
  },
  { pattern: /\btell(?:s|ing)?\b(?!(?:\s+[\w']+){0,4}\s+(?:apart|from)\b)|\btold\b/gi, better: report },
  { pattern: /\bwork(?:s|ed|ing)?\s+off\b/gi, better: "process, drain, complete" },
  {
    pattern: /\b(?:g[ia]ves?|given|giving)\s+(?:(?:it|them|this|that|(?:the|a|an|its|their)\s+\w+)\s+)?back\b/gi,
    better: "return, release",
  },
  { pattern: /\bwish(?:es|ed|ing)?\b/gi, better: "want, request, option" },
  { pattern: /\b(?:in|by)\s+(?:its|their|his|other|these|those|own)\s+words\b/gi, better: text },
  { pattern: /\bones?\s+that\b[^.;:]*\bones?\s+that\b/gi, better: "name the thing, or make two sentences" },
];

/** An opening of a comment or of a description; a sentence further on may begin so. */
const opening: Rule = {
  pattern: /(?:\/\*\*?\s*|(?<!\/\/.*\n\s*|:)\/\/\s+|\b"?(?:doc|description|summary)"?:\s*["'`])What(?:ever)?\b/g,
  better: "begin with the noun: Fields of each operation, not What each operation carries",
};

const unclear = "(?:words|tell(?:s|ing)?|told|who(?:m|ever)|wish(?:es)?|give_?back|work_?off)";
const identifiers: readonly Rule[] = [
  {
    pattern: new RegExp(String.raw`\b(?:const|let|function|class|interface|type|enum)\s+${unclear}\b`, "gi"),
    better: text,
  },
  {
    pattern: new RegExp(String.raw`\b${unclear}\??: (?:string|number|RegExp|readonly |Buffer|Uint8Array)`, "gi"),
    better: text,
  },
  { pattern: new RegExp(String.raw`\bchar \*${unclear}\b`, "gi"), better: text },
  { pattern: /\b[a-z]\w*(?:Words?|Tell|Told|Whom|Whoever|Wish|GiveBack|WorkOff)(?![a-z])\w*\b/g, better: text },
  { pattern: /\b(?:tell|told|whoever|wish)[A-Z]\w*|\b(?:giveBack|workOff)\w*/g, better: report },
];

/**
 * Passages of a text that are not plain English of the trade, in the order of their lines.
 * @param code whether the text is a program's, whose identifiers count too
 */
export function unclearPassages(text: string, code: boolean): Finding[] {
  const plain = withoutMargins(text);
  const rules = [...prose, opening, ...(code ? identifiers : [])];
  return rules
    .flatMap(({ pattern, better }) =>
      [...plain.matchAll(pattern)].map(({ 0: passage, index }) => ({
        line: plain.slice(0, index).split("\n").length,
        passage: passage.replace(/\s+/g, " ").trim(),
        better,
      })),
    )
    .sort((a, b) => a.line - b.line);
}

/** Blanks the margins of comments, so that a passage is found across lines; every character keeps its place. */
function withoutMargins(text: string): string {
  return text.replace(/(?<=\n[ \t]*)\*(?!\/)/g, " ");
}
