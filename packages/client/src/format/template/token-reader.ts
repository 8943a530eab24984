import { lex, TemplateSyntaxError, type Token } from "./lexer.ts";

/** Keywords, which cannot be functions. */
export const keywords: readonly string[] = [
  "if",
  "with",
  "range",
  "else",
  "end",
  "break",
  "continue",
  "define",
  "block",
  "template",
];

/** A template's tokens, taken one after the other. */
export class TokenReader {
  readonly source: string;
  readonly #tokens: Token[];
  #next = 0;

  /** @throws TemplateSyntaxError */
  constructor(source: string) {
    this.source = source;
    this.#tokens = lex(source);
  }

  /** Position of the next token, to return to. */
  get position(): number {
    return this.#next;
  }

  set position(position: number) {
    this.#next = position;
  }

  peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  take(): Token | undefined {
    return this.#tokens[this.#next++];
  }

  takeSymbol(symbol: string): boolean {
    const token = this.peek();
    if (token?.kind !== "symbol" || token.value !== symbol) return false;
    this.#next++;
    return true;
  }

  /** Takes the end of an action. @throws TemplateSyntaxError for any other token */
  close(context: string): void {
    const token = this.peek();
    if (token?.kind !== "close") {
      throw this.error(`unexpected ${JSON.stringify(token?.value ?? "EOF")} in ${context}`, token?.at ?? 0);
    }
    this.#next++;
  }

  /** The next token, if it is a keyword. */
  keyword(): string | undefined {
    const token = this.peek();
    return token?.kind === "identifier" && keywords.includes(token.value) ? token.value : undefined;
  }

  text({ at, end }: { at: number; end: number }): string {
    return this.source.slice(at, end);
  }

  error(message: string, at: number): TemplateSyntaxError {
    return new TemplateSyntaxError(this.source, at, message);
  }
}
