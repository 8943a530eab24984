import { lex, type Token } from "./lexer.ts";
import { quote } from "./quote.ts";

/** A template that cannot be parsed; the message is Go's, behind the template's name. */
export class TemplateSyntaxError extends Error {
  override name = "TemplateSyntaxError";
  /** From 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** A template's tokens, taken one after the other; errors are at the line of the last one that was looked at. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;
  #seen = 0;
  /** Line of the action's begin; 0 outside. */
  actionLine = 0;

  constructor(source: string) {
    this.#tokens = lex(source);
  }

  next(): Token {
    const token = this.peek();
    if (this.#next < this.#tokens.length - 1) this.#next++;
    return token;
  }

  peek(): Token {
    this.#seen = Math.max(this.#seen, this.#next);
    return this.#tokens[this.#next] as Token;
  }

  nextNonSpace(): Token {
    this.#skipSpace();
    return this.next();
  }

  peekNonSpace(): Token {
    this.#skipSpace();
    return this.peek();
  }

  /** The position, to return to. */
  get position(): number {
    return this.#next;
  }

  set position(position: number) {
    this.#next = position;
  }

  expect(kind: Token["kind"], context: string): Token {
    const token = this.nextNonSpace();
    return token.kind === kind ? token : this.unexpected(token, context);
  }

  unexpected(token: Token, context: string): never {
    if (token.kind !== "error") this.fail(`unexpected ${tokenText(token)} in ${context}`);
    const from = this.actionLine;
    if (from === 0 || from === token.line) this.fail(token.value);
    this.fail(`${token.value}${token.value.endsWith(" action") ? "" : " in action"} started at :${from}`);
  }

  fail(message: string): never {
    throw new TemplateSyntaxError(this.#tokens[this.#seen]?.line ?? 1, message);
  }

  #skipSpace(): void {
    while (this.peek().kind === "space") this.next();
  }
}

function tokenText({ kind, value }: Token): string {
  if (kind === "eof") return "EOF";
  if (kind === "keyword" || kind === "dot" || kind === "nil") return `<${value}>`;
  const cut = [...value].slice(0, 10).join("");
  return Buffer.byteLength(value) > 10 ? `${quote(cut)}...` : quote(value);
}
