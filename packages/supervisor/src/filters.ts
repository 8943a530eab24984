import { messageOf } from "@gantry/common/error-message";
import { invalidArgument } from "./errors.ts";

/** Reads a field by its path, such as ["labels", "a.b"]; undefined where the object has no such field. */
export type Fields = (path: readonly string[]) => string | undefined;
export type Filter = (fields: Fields) => boolean;

const operators = ["==", "!=", "~="] as const;
const fieldRune = /[A-Za-z0-9_/-]/;

/**
 * Parses containerd's filters. The comma-separated clauses of a filter must all match; of several filters one must.
 * Names and values may be quoted by ", and regular expressions by / or | too, which leaves their backslashes alone.
 * Without a filter everything matches.
 * @throws RpcError InvalidArgument that shows the position of the syntax error
 */
export function parseFilters(texts: readonly string[] | undefined): Filter {
  if (texts === undefined || texts.length === 0) return () => true;
  const alternatives = texts.map((text) => new FilterReader(text).clauses());
  return (fields) => alternatives.some((clauses) => clauses.every((clause) => clause(fields)));
}

/** Fields by their dotted name (`target.digest`), and labels. */
export function fieldsOf(
  fields: Readonly<Record<string, string | undefined>>,
  labels: Readonly<Record<string, string>> = {},
): Fields {
  return (path) => (path[0] === "labels" ? labels[path.slice(1).join(".")] : fields[path.join(".")] || undefined);
}

class FilterReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  clauses(): Filter[] {
    if (this.#text.trim() === "") return [() => true];
    const clauses = [this.#clause()];
    while (this.#take(",")) clauses.push(this.#clause());
    if (this.#at < this.#text.length) throw this.#syntaxError("expected a comma or the end");
    return clauses;
  }

  #clause(): Filter {
    const path = this.#path();
    const operator = operators.find((each) => this.#take(each));
    if (operator === undefined) return (fields) => fields(path) !== undefined;
    const start = this.#at;
    const value = this.#value(operator === "~=" ? '"/|' : '"');
    if (operator === "==") return (fields) => fields(path) === value;
    if (operator === "!=") return (fields) => fields(path) !== value;
    try {
      const pattern = new RegExp(value);
      return (fields) => pattern.test(fields(path) ?? "");
    } catch (error) {
      this.#at = start;
      throw this.#syntaxError(messageOf(error));
    }
  }

  #path(): string[] {
    const path = [this.#field()];
    while (this.#take(".")) path.push(this.#field());
    return path;
  }

  #field(): string {
    if (this.#text[this.#at] === '"') return this.#quoted('"');
    const start = this.#at;
    while (fieldRune.test(this.#text[this.#at] ?? "")) this.#at += 1;
    if (this.#at === start) throw this.#syntaxError("expected the name of a field");
    return this.#text.slice(start, this.#at);
  }

  #value(quotes: string): string {
    const first = this.#text[this.#at] ?? "";
    if (first !== "" && quotes.includes(first)) return this.#quoted(first);
    const [value = ""] = /^[^\s,]*/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += value.length;
    return value;
  }

  #quoted(quote: string): string {
    let value = "";
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const rune = this.#text[at] as string;
      if (rune === quote) {
        this.#at = at + 1;
        return value;
      }
      if (rune === "\\" && (quote === '"' || this.#text[at + 1] === quote)) at += 1;
      value += this.#text[at] ?? "";
    }
    throw this.#syntaxError(`a closing ${quote} is missing`);
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #syntaxError(reason: string): Error {
    const place = `${this.#text.slice(0, this.#at)}>>>${this.#text.slice(this.#at)}`;
    return invalidArgument(`filter ${place}: ${reason}`);
  }
}
