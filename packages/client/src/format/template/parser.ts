import type { CommandNode, Node, Operand, Pipe } from "./ast.ts";
import type { Token } from "./lexer.ts";
import { keywords, TokenReader } from "./token-reader.ts";

const branches = ["if", "with", "range"] as const;
type Branch = (typeof branches)[number];

/**
 * Parses a template.
 * @param functions names of the known functions
 * @throws TemplateSyntaxError with Go's message
 */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Node[] {
  return new Parser(source, functions).all();
}

/** The keyword that ended a list of nodes. */
interface ListEnd {
  readonly keyword: "eof" | "end" | "else";
  readonly at: number;
}

class Parser {
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: TokenReader;
  /** Variables in scope, so that an unknown one is an error at once. */
  #variables = ["$"];
  #rangeDepth = 0;

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#functions = functions;
    this.#tokens = new TokenReader(source);
  }

  all(): Node[] {
    const { nodes, end } = this.#list();
    if (end.keyword !== "eof") throw this.#tokens.error(`unexpected {{${end.keyword}}}`, end.at);
    return nodes;
  }

  #list(): { nodes: Node[]; end: ListEnd } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#tokens.take();
      if (!token) return { nodes, end: { keyword: "eof", at: this.#tokens.source.length } };
      if (token.kind === "text") {
        nodes.push({ kind: "text", text: token.value });
        continue;
      }
      const keyword = this.#tokens.keyword();
      if (keyword === "end" || keyword === "else") {
        this.#tokens.take();
        return { nodes, end: { keyword, at: token.at } };
      }
      nodes.push(this.#action(keyword));
    }
  }

  #action(keyword: string | undefined): Node {
    if (keyword === undefined) {
      const pipe = this.#pipe();
      this.#tokens.close("command");
      return { kind: "action", pipe };
    }
    const at = this.#tokens.peek()?.at ?? 0;
    this.#tokens.take();
    if (isBranch(keyword)) return this.#branch(keyword);
    if (keyword !== "break" && keyword !== "continue")
      throw this.#tokens.error(`{{${keyword}}} is not supported here`, at);
    if (this.#rangeDepth === 0) throw this.#tokens.error(`{{${keyword}}} outside {{range}}`, at);
    this.#tokens.close(keyword);
    return { kind: keyword };
  }

  #branch(kind: Branch): Node {
    const scope = this.#variables.length;
    const pipe = this.#pipe(kind === "range" ? 2 : 1, kind);
    this.#tokens.close(kind);
    if (kind === "range") this.#rangeDepth++;
    const body = this.#list();
    if (kind === "range") this.#rangeDepth--;
    const orElse = body.end.keyword === "else" ? this.#orElse(kind) : [];
    if (body.end.keyword === "eof") throw this.#tokens.error("unexpected EOF", body.end.at);
    if (body.end.keyword === "end") this.#tokens.close("end");
    this.#variables.length = scope;
    return { kind, pipe, body: body.nodes, orElse };
  }

  /** After {{else: the rest of the list up to its {{end}}, or a chained {{else if}}, which shares the {{end}}. */
  #orElse(kind: Branch): Node[] {
    const chained = this.#tokens.keyword();
    if (chained === kind && kind !== "range") {
      this.#tokens.take();
      return [this.#branch(kind)];
    }
    this.#tokens.close("else");
    const { nodes, end } = this.#list();
    if (end.keyword === "eof") throw this.#tokens.error("unexpected EOF", end.at);
    if (end.keyword === "else") throw this.#tokens.error("expected end; found {{else}}", end.at);
    this.#tokens.close("end");
    return nodes;
  }

  #pipe(mostVariables = 1, context = "command"): Pipe {
    const at = this.#tokens.peek()?.at ?? this.#tokens.source.length;
    const declared = this.#declaration(mostVariables);
    const commands: CommandNode[] = [];
    for (;;) {
      const command = this.#command(context);
      if (command.operands.length === 0) throw this.#tokens.error(`missing value for ${context}`, command.at);
      if (commands.length > 0 && command.operands[0]?.kind === "literal") {
        throw this.#tokens.error(`non executable command in pipeline stage ${commands.length + 1}`, command.at);
      }
      commands.push(command);
      if (!this.#tokens.takeSymbol("|")) break;
    }
    if (!declared.assigns) this.#variables.push(...declared.variables);
    return { ...declared, commands, at, end: commands.at(-1)?.end ?? at };
  }

  #declaration(most: number): { variables: string[]; assigns: boolean } {
    const start = this.#tokens.position;
    const variables: string[] = [];
    while (this.#tokens.peek()?.kind === "variable") {
      variables.push((this.#tokens.take() as Token).value);
      const symbol = this.#tokens.peek();
      if (symbol?.kind !== "symbol") break;
      if (symbol.value === "," && variables.length < most) {
        this.#tokens.take();
        continue;
      }
      if (symbol.value !== ":=" && symbol.value !== "=") break;
      this.#tokens.take();
      const assigns = symbol.value === "=";
      for (const name of assigns ? variables : []) this.#checkVariable(name, symbol.at);
      return { variables, assigns };
    }
    this.#tokens.position = start;
    return { variables: [], assigns: false };
  }

  #command(context: string): CommandNode {
    const operands: Operand[] = [];
    for (;;) {
      const operand = this.#operand(context);
      if (!operand) break;
      const previous = operands.at(-1);
      if (previous && !(this.#spacedBefore(operand) || previous.kind === "pipe")) {
        throw this.#tokens.error(`unexpected ${JSON.stringify(this.#tokens.text(operand))} in operand`, operand.at);
      }
      operands.push(operand);
    }
    const at = operands[0]?.at ?? this.#tokens.peek()?.at ?? this.#tokens.source.length;
    return { operands, at, end: operands.at(-1)?.end ?? at };
  }

  #spacedBefore(operand: Operand): boolean {
    return /[\s(]/.test(this.#tokens.source[operand.at - 1] ?? " ");
  }

  #operand(context: string): Operand | undefined {
    const token = this.#tokens.peek();
    if (!token) throw this.#tokens.error("unclosed action", this.#tokens.source.length);
    const term = this.#term(token, context);
    if (!term) return undefined;
    const names: string[] = [];
    let end = term.end;
    for (let field = this.#tokens.peek(); field?.kind === "field" && !field.spaced; field = this.#tokens.peek()) {
      if (term.kind === "literal" || term.kind === "nil") {
        throw this.#tokens.error(`unexpected . after term ${JSON.stringify(this.#tokens.text(term))}`, field.at);
      }
      names.push(field.value.slice(1));
      end = field.end;
      this.#tokens.take();
    }
    if (names.length === 0) return term;
    return term.kind === "fields"
      ? { ...term, names: [...term.names, ...names], end }
      : { kind: "fields", of: term, names, at: term.at, end };
  }

  #term(token: Token, context: string): Operand | undefined {
    const { at, end, value } = token;
    const span = { at, end };
    switch (token.kind) {
      case "field":
        this.#tokens.take();
        return { kind: "fields", of: { kind: "dot", at, end: at + 1 }, names: [value.slice(1)], ...span };
      case "variable":
        this.#tokens.take();
        this.#checkVariable(value, at);
        return { kind: "variable", name: value, ...span };
      case "string":
        this.#tokens.take();
        return { kind: "literal", value, ...span };
      case "char":
        this.#tokens.take();
        return { kind: "literal", value: value.codePointAt(0) ?? 0, ...span };
      case "number":
        this.#tokens.take();
        return { kind: "literal", value: this.#number(token), ...span };
      case "identifier":
        return this.#identifier(token);
      case "symbol":
        return this.#symbol(token, context);
      default:
        return undefined;
    }
  }

  #identifier({ value, at, end }: Token): Operand {
    this.#tokens.take();
    if (value === "nil") return { kind: "nil", at, end };
    if (value === "true" || value === "false") return { kind: "literal", value: value === "true", at, end };
    if (keywords.includes(value)) throw this.#tokens.error(`unexpected <${value}> in operand`, at);
    if (!this.#functions.has(value)) throw this.#tokens.error(`function ${JSON.stringify(value)} not defined`, at);
    return { kind: "function", name: value, at, end };
  }

  #symbol({ value, at, end }: Token, context: string): Operand | undefined {
    if (value === ".") {
      this.#tokens.take();
      return { kind: "dot", at, end };
    }
    if (value === "(") {
      this.#tokens.take();
      const pipe = this.#pipe(1, "parenthesized pipeline");
      const close = this.#tokens.peek();
      if (!this.#tokens.takeSymbol(")"))
        throw this.#tokens.error("unclosed left paren", close?.at ?? this.#tokens.source.length);
      return { kind: "pipe", pipe, at, end: close?.end ?? end };
    }
    if (value === "|" || value === ")") {
      if (value === ")" && context !== "parenthesized pipeline") throw this.#tokens.error("unexpected right paren", at);
      return undefined;
    }
    throw this.#tokens.error(`unexpected ${JSON.stringify(value)} in operand`, at);
  }

  #number({ value, at }: Token): number {
    const number = Number(value.replaceAll("_", "").replace(/^\+/, ""));
    if (Number.isNaN(number)) throw this.#tokens.error(`bad number syntax: ${JSON.stringify(value)}`, at);
    return number;
  }

  #checkVariable(name: string, at: number): void {
    if (!this.#variables.includes(name)) throw this.#tokens.error(`undefined variable ${JSON.stringify(name)}`, at);
  }
}

function isBranch(keyword: string): keyword is Branch {
  return (branches as readonly string[]).includes(keyword);
}
