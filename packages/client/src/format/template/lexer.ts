/** Kinds of tokens, as Go's text/template/parse has them. */
export type TokenKind =
  | "assign"
  | "bool"
  | "char"
  | "charConstant"
  | "complex"
  | "declare"
  | "dot"
  | "eof"
  | "error"
  | "field"
  | "identifier"
  | "keyword"
  | "leftDelimiter"
  | "leftParen"
  | "nil"
  | "number"
  | "pipe"
  | "rawString"
  | "rightDelimiter"
  | "rightParen"
  | "space"
  | "string"
  | "text"
  | "variable";

export interface Token {
  readonly kind: TokenKind;
  /** Its text; of an error the message. */
  readonly value: string;
  /** Offset in the template. */
  readonly at: number;
  /** From 1. */
  readonly line: number;
}

const keywords = new Set(["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"]);

const symbols: Readonly<Record<string, TokenKind>> = { "=": "assign", "|": "pipe", "(": "leftParen" };

const trimLeft = /[ \t\r\n]+$/;
const trimRight = /[ \t\r\n]*/y;
const space = /[ \t\r\n]+/y;
const word = /[\p{L}\p{Nd}_]*/uy;
const quoted = /"(?:[^"\\\n]|\\[^\n])*"/y;
const character = /'(?:[^'\\\n]|\\[^\n])*'/y;
const number =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;

/** Splits a template into tokens; the last one is "eof" or "error". */
export function lex(source: string): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #lineAt = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (this.#text() && this.#action());
    return this.#tokens;
  }

  /** Text up to the next action. @returns false at the end of the template */
  #text(): boolean {
    const open = this.#source.indexOf("{{", this.#at);
    const raw = this.#source.slice(this.#at, open < 0 ? undefined : open);
    const trims = open >= 0 && /^-[ \t\r\n]/.test(this.#source.slice(open + 2, open + 4));
    const text = trims ? raw.replace(trimLeft, "") : raw;
    if (text !== "") this.#emit("text", text, this.#at);
    this.#at += raw.length;
    if (open >= 0) return true;
    this.#emit("eof", "", this.#at);
    return false;
  }

  /** An action, or a comment in its place. @returns false after an error */
  #action(): boolean {
    const start = this.#at;
    const inside = start + 2 + (/^-[ \t\r\n]/.test(this.#source.slice(start + 2, start + 4)) ? 2 : 0);
    this.#at = inside;
    if (this.#source.startsWith("/*", inside)) return this.#comment();
    this.#emit("leftDelimiter", "{{", start);
    for (let depth = 0; ; ) {
      if (this.#closes()) {
        if (depth > 0) return this.#fail("unclosed left paren", this.#at);
        this.#close();
        return true;
      }
      const before = this.#tokens.length;
      if (!this.#token(depth)) return false;
      const kind = this.#tokens[before]?.kind;
      if (kind === "leftParen") depth++;
      if (kind === "rightParen") depth--;
    }
  }

  #comment(): boolean {
    const start = this.#at;
    const end = this.#source.indexOf("*/", start + 2);
    if (end < 0) return this.#fail("unclosed comment", start);
    this.#at = end + 2;
    if (!this.#closes()) return this.#fail("comment ends before closing delimiter", start);
    this.#skipClose();
    return true;
  }

  /** True at "}}" and at " -}}". */
  #closes(): boolean {
    return /^(?:[ \t\r\n]-)?\}\}/.test(this.#source.slice(this.#at, this.#at + 4));
  }

  #close(): void {
    const at = this.#source.indexOf("}}", this.#at);
    this.#emit("rightDelimiter", "}}", at);
    this.#skipClose();
  }

  #skipClose(): void {
    const at = this.#source.indexOf("}}", this.#at);
    const trims = at > this.#at;
    this.#at = at + 2;
    if (trims) this.#at += this.#match(trimRight).length;
  }

  #token(depth: number): boolean {
    const source = this.#source;
    const at = this.#at;
    const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
    if (at >= source.length) return this.#fail("unclosed action", at);
    if (/[ \t\r\n]/.test(char)) return this.#spaces();
    if (char === ":") return source[at + 1] === "=" ? this.#take("declare", 2) : this.#fail("expected :=", at);
    if (symbols[char]) return this.#take(symbols[char], 1);
    if (char === ")") return depth > 0 ? this.#take("rightParen", 1) : this.#fail("unexpected right paren", at);
    if (char === '"') return this.#pattern("string", quoted, "unterminated quoted string");
    if (char === "'") return this.#pattern("charConstant", character, "unterminated character constant");
    if (char === "`") {
      const end = source.indexOf("`", at + 1);
      return end < 0 ? this.#fail("unterminated raw quoted string", at) : this.#take("rawString", end + 1 - at);
    }
    if (char === "$" || (char === "." && !/[0-9]/.test(source[at + 1] ?? ""))) return this.#fieldOrVariable(char);
    if (/[+\-.0-9]/.test(char)) return this.#number();
    if (/[\p{L}\p{Nd}_]/u.test(char)) return this.#identifier();
    if (char >= " " && char <= "~") return this.#take("char", 1);
    return this.#fail(`unrecognized character in action: ${unicodeName(char)}`, at);
  }

  #spaces(): boolean {
    const run = this.#match(space).length;
    // The last space may belong to a closing " -}}".
    const closes = this.#source.startsWith("-}}", this.#at + run);
    return run > 1 || !closes ? this.#take("space", closes ? run - 1 : run) : true;
  }

  #fieldOrVariable(char: string): boolean {
    const start = this.#at;
    this.#at = start + 1;
    const name = this.#match(word);
    this.#at = start;
    const length = 1 + name.length;
    if (!this.#terminates(start + length)) return this.#badCharacter(start + length);
    if (char === "$") return this.#take("variable", length);
    return this.#take(name === "" ? "dot" : "field", length);
  }

  #identifier(): boolean {
    const name = this.#match(word);
    if (!this.#terminates(this.#at + name.length)) return this.#badCharacter(this.#at + name.length);
    if (keywords.has(name)) return this.#take("keyword", name.length);
    if (name === "nil") return this.#take("nil", name.length);
    return this.#take(name === "true" || name === "false" ? "bool" : "identifier", name.length);
  }

  #number(): boolean {
    const start = this.#at;
    let text = this.#match(number);
    const isBad = () => /[\p{L}\p{Nd}_]/u.test(this.#codePoint(start + text.length));
    if (isBad()) return this.#badNumber(text + this.#codePoint(start + text.length));
    if (!/[+-]/.test(this.#source[start + text.length] ?? "")) return this.#take("number", text.length);
    this.#at = start + text.length;
    text += this.#match(number);
    this.#at = start;
    if (isBad()) return this.#badNumber(text + this.#codePoint(start + text.length));
    return text.endsWith("i") ? this.#take("complex", text.length) : this.#badNumber(text);
  }

  #badNumber(text: string): boolean {
    return this.#fail(`bad number syntax: ${JSON.stringify(text)}`, this.#at);
  }

  /** An identifier ends here, so that no arithmetic without spaces is taken for one. */
  #terminates(at: number): boolean {
    return at >= this.#source.length || /^(?:[ \t\r\n.,|:)(]|\}\})/.test(this.#source.slice(at, at + 2));
  }

  #badCharacter(at: number): boolean {
    return this.#fail(`bad character ${unicodeName(this.#codePoint(at))}`, this.#at);
  }

  #codePoint(at: number): string {
    const code = this.#source.codePointAt(at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }

  #pattern(kind: TokenKind, pattern: RegExp, message: string): boolean {
    const found = this.#match(pattern);
    return found === "" ? this.#fail(message, this.#at) : this.#take(kind, found.length);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source)?.[0] ?? "";
  }

  #take(kind: TokenKind, length: number): boolean {
    this.#emit(kind, this.#source.slice(this.#at, this.#at + length), this.#at);
    this.#at += length;
    return true;
  }

  #fail(message: string, at: number): boolean {
    this.#emit("error", message, at);
    return false;
  }

  #emit(kind: TokenKind, value: string, at: number): void {
    for (; this.#lineAt < at; this.#lineAt++) if (this.#source[this.#lineAt] === "\n") this.#line++;
    this.#tokens.push({ kind, value, at, line: this.#line });
  }
}

/** %#U of Go: U+0040 '@'. */
function unicodeName(char: string): string {
  const code = char.codePointAt(0);
  if (code === undefined) return "U+FFFFFFFFFFFFFFFF";
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(char) ? hex : `${hex} '${char}'`;
}
