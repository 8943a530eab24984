/** Go's text/template, the subset that is used on command lines: https://pkg.go.dev/text/template */

export type TokenKind =
  | "text"
  | "open"
  | "close"
  | "field"
  | "variable"
  | "identifier"
  | "string"
  | "char"
  | "number"
  | "symbol";

export interface Token {
  readonly kind: TokenKind;
  /** A string's or character's value; else the text itself. */
  readonly value: string;
  /** Where it starts in the template. */
  readonly at: number;
  readonly end: number;
  /** White space stands before it, so that `.A .B` is two operands and `.A.B` is one. */
  readonly spaced: boolean;
}

/** The template's text is wrong. The message is Go's. */
export class TemplateSyntaxError extends Error {
  override name = "TemplateSyntaxError";

  constructor(source: string, at: number, message: string) {
    super(`template: :${source.slice(0, at).split("\n").length}: ${message}`);
  }
}

const space = /[ \t\r\n]/;
// Non-ASCII letters are not classified: Unicode classes would cost a millisecond at every start.
const actionToken =
  /(?<space>[ \t\r\n]+)|(?<field>\.[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)|(?<variable>\$[\w\u0080-\uffff]*)|(?<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?))|(?<identifier>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)|(?<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?<char>'(?:[^'\\\n]|\\.)+')|(?<symbol>:=|[.|(),=])/y;

/**
 * Splits a template into text and actions.
 * @throws TemplateSyntaxError
 */
export function lex(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = source.indexOf("{{", at);
    const textEnd = open < 0 ? source.length : open;
    const trimsBefore = open >= 0 && source[open + 2] === "-" && space.test(source[open + 3] ?? "");
    pushText(tokens, { source, from: at, to: textEnd }, { start: trimNext, end: trimsBefore });
    if (open < 0) return tokens;
    const inside = open + (trimsBefore ? 3 : 2);
    const comment = commentEnd(source, inside);
    if (comment !== undefined) {
      ({ at, trimNext } = comment);
      continue;
    }
    tokens.push({ kind: "open", value: "{{", at: open, end: inside, spaced: false });
    ({ at, trimNext } = lexAction(source, inside, tokens));
  }
}

function pushText(
  tokens: Token[],
  { source, from, to }: { source: string; from: number; to: number },
  trim: { start: boolean; end: boolean },
): void {
  let value = source.slice(from, to);
  if (trim.start) value = value.replace(/^[ \t\r\n]+/, "");
  if (trim.end) value = value.replace(/[ \t\r\n]+$/, "");
  if (value !== "") tokens.push({ kind: "text", value, at: from, end: to, spaced: false });
}

function commentEnd(source: string, inside: number): { at: number; trimNext: boolean } | undefined {
  const start = inside + (/^[ \t\r\n]*/.exec(source.slice(inside))?.[0].length ?? 0);
  if (!source.startsWith("/*", start)) return undefined;
  const end = source.indexOf("*/", start);
  if (end < 0) throw new TemplateSyntaxError(source, inside, "unclosed comment");
  const close = /^([ \t\r\n]+-)?\}\}/.exec(source.slice(end + 2));
  if (!close) throw new TemplateSyntaxError(source, inside, "comment ends before closing delimiter");
  return { at: end + 2 + close[0].length, trimNext: close[1] !== undefined };
}

function lexAction(source: string, from: number, tokens: Token[]): { at: number; trimNext: boolean } {
  let at = from;
  let spaced = false;
  for (;;) {
    if (source.startsWith("}}", at)) {
      tokens.push({ kind: "close", value: "}}", at, end: at + 2, spaced });
      return { at: at + 2, trimNext: false };
    }
    if (spaced && source.startsWith("-}}", at)) {
      tokens.push({ kind: "close", value: "}}", at, end: at + 3, spaced });
      return { at: at + 3, trimNext: true };
    }
    actionToken.lastIndex = at;
    const match = actionToken.exec(source);
    if (!match?.groups) throw badCharacter(source, at);
    const end = actionToken.lastIndex;
    if (match.groups["space"] === undefined) {
      const kind = Object.keys(match.groups).find((name) => match.groups?.[name] !== undefined) as TokenKind;
      tokens.push({ kind, value: tokenValue(kind, match[0]), at, end, spaced });
      spaced = false;
    } else spaced = true;
    at = end;
  }
}

function badCharacter(source: string, at: number): TemplateSyntaxError {
  const char = source[at];
  if (char === undefined || char === "\n") return new TemplateSyntaxError(source, at, "unclosed action");
  if (char === '"') return new TemplateSyntaxError(source, at, "unterminated quoted string");
  if (char === "`") return new TemplateSyntaxError(source, at, "unterminated raw quoted string");
  if (char === "'") return new TemplateSyntaxError(source, at, "unterminated character constant");
  if (char === "}") return new TemplateSyntaxError(source, at, `unexpected "}" in operand`);
  const code = source.codePointAt(at) ?? 0;
  const shown = `U+${code.toString(16).toUpperCase().padStart(4, "0")} '${String.fromCodePoint(code)}'`;
  return new TemplateSyntaxError(source, at, `unrecognized character in action: ${shown}`);
}

function tokenValue(kind: TokenKind, text: string): string {
  if (kind === "string") return text.startsWith("`") ? text.slice(1, -1) : unquote(text.slice(1, -1));
  if (kind === "char") return unquote(text.slice(1, -1));
  return text;
}

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Decodes Go's escapes in the contents of a quoted string. */
function unquote(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
    (_, ...parts: (string | undefined)[]) => {
      const [x, u, long, octal, single] = parts;
      const hex = x ?? u ?? long;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return escapes[single ?? ""] ?? single ?? "";
    },
  );
}
