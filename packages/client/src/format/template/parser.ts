import type { Branch, CommandNode, Node, Operand, Pipe } from "./ast.ts";
import { nodeText } from "./ast.ts";
import type { Token } from "./lexer.ts";
import { parseNumber } from "./number.ts";
import { quote, unquote } from "./quote.ts";
import { TokenReader } from "./token-reader.ts";

/** The templates of a text by their names: its own one "", and those that it defines. */
export type Templates = ReadonlyMap<string, readonly Node[]>;

/** The action at the end of a list of nodes. */
type End = "end" | "else" | "elseIf" | "elseWith";

type Item = Node | { readonly kind: "stop"; readonly end: End };

const operandKinds = new Set<Token["kind"]>([
  "bool",
  "charConstant",
  "complex",
  "dot",
  "field",
  "identifier",
  "leftParen",
  "nil",
  "number",
  "rawString",
  "string",
  "variable",
]);

/**
 * Parses a template, as Go's text/template/parse does.
 * @param functions the names of its functions
 * @throws TemplateSyntaxError
 */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Templates {
  return new Parser(source, functions).run();
}

class Parser {
  readonly #tokens: TokenReader;
  readonly #functions: ReadonlySet<string>;
  readonly #templates = new Map<string, readonly Node[]>();
  #variables = ["$"];
  #rangeDepth = 0;

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#tokens = new TokenReader(source);
    this.#functions = functions;
  }

  run(): Templates {
    const tokens = this.#tokens;
    const nodes: Node[] = [];
    while (tokens.peek().kind !== "eof") {
      if (this.#isDefine()) {
        this.#definition();
        continue;
      }
      const item = this.#textOrAction();
      if (item.kind === "stop") return tokens.fail(`unexpected ${stopText(item.end)}`);
      nodes.push(item);
    }
    this.#add("", nodes);
    return this.#templates;
  }

  /** Takes `{{define`. */
  #isDefine(): boolean {
    const tokens = this.#tokens;
    const start = tokens.position;
    if (tokens.next().kind === "leftDelimiter") {
      const token = tokens.nextNonSpace();
      if (token.kind === "keyword" && token.value === "define") return true;
    }
    tokens.position = start;
    return false;
  }

  #definition(): void {
    const context = "define clause";
    const name = this.#templateName(this.#tokens.nextNonSpace(), context);
    this.#tokens.expect("rightDelimiter", context);
    this.#nested(name, context);
  }

  /** The body of a definition or a block, with variables of its own. */
  #nested(name: string, context: string): void {
    const [variables, rangeDepth] = [this.#variables, this.#rangeDepth];
    [this.#variables, this.#rangeDepth] = [["$"], 0];
    const { nodes, end } = this.#list();
    if (end !== "end") this.#tokens.fail(`unexpected ${stopText(end)} in ${context}`);
    this.#add(name, nodes);
    [this.#variables, this.#rangeDepth] = [variables, rangeDepth];
  }

  /** An empty definition gives way to one with content. */
  #add(name: string, nodes: readonly Node[]): void {
    const existing = this.#templates.get(name);
    if (existing === undefined || isEmpty(existing)) this.#templates.set(name, nodes);
    else if (!isEmpty(nodes)) this.#tokens.fail(`template: multiple definition of template ${quote(name)}`);
  }

  #list(): { nodes: Node[]; end: End } {
    const nodes: Node[] = [];
    while (this.#tokens.peekNonSpace().kind !== "eof") {
      const item = this.#textOrAction();
      if (item.kind === "stop") return { nodes, end: item.end };
      nodes.push(item);
    }
    return this.#tokens.fail("unexpected EOF");
  }

  #textOrAction(): Item {
    const tokens = this.#tokens;
    const token = tokens.nextNonSpace();
    if (token.kind === "text") return { kind: "text", text: token.value, at: token.at };
    if (token.kind !== "leftDelimiter") return tokens.unexpected(token, "input");
    tokens.actionLine = token.line;
    const item = this.#action();
    tokens.actionLine = 0;
    return item;
  }

  #action(): Item {
    const tokens = this.#tokens;
    const start = tokens.position;
    const token = tokens.nextNonSpace();
    if (token.kind === "keyword") {
      switch (token.value) {
        case "block":
          return this.#block();
        case "break":
        case "continue":
          return this.#jump(token.value, token.at);
        case "else":
          return this.#else();
        case "end":
          tokens.expect("rightDelimiter", "end");
          return { kind: "stop", end: "end" };
        case "if":
        case "range":
        case "with":
          return this.#branch(token.value);
        case "template":
          return this.#templateCall();
      }
    }
    tokens.position = start;
    const { at } = tokens.peekNonSpace();
    return { kind: "action", at, pipe: this.#pipe("command", "rightDelimiter") };
  }

  #jump(kind: "break" | "continue", at: number): Node {
    const token = this.#tokens.nextNonSpace();
    if (token.kind !== "rightDelimiter") this.#tokens.unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#tokens.fail(`{{${kind}}} outside {{range}}`);
    return { kind, at };
  }

  #else(): Item {
    const token = this.#tokens.peekNonSpace();
    if (token.kind === "keyword" && token.value === "if") return { kind: "stop", end: "elseIf" };
    if (token.kind === "keyword" && token.value === "with") return { kind: "stop", end: "elseWith" };
    this.#tokens.expect("rightDelimiter", "else");
    return { kind: "stop", end: "else" };
  }

  #branch(kind: Branch["kind"]): Branch {
    const tokens = this.#tokens;
    const depth = this.#variables.length;
    const pipe = this.#pipe(kind, "rightDelimiter");
    if (kind === "range") this.#rangeDepth++;
    const { nodes: body, end } = this.#list();
    if (kind === "range") this.#rangeDepth--;
    let orElse: Node[] = [];
    if (end !== "end") {
      const chained = { elseIf: "if", elseWith: "with", else: undefined }[end];
      if (chained !== undefined && chained === kind) {
        // The keyword is next; one {{end}} serves the whole chain.
        tokens.nextNonSpace();
        orElse = [this.#branch(kind)];
      } else {
        const rest = this.#list();
        orElse = rest.nodes;
        if (rest.end !== "end") tokens.fail(`expected end; found ${stopText(rest.end)}`);
      }
    }
    this.#variables.length = depth;
    return { kind, at: pipe.at, pipe, body, orElse };
  }

  #block(): Node {
    const context = "block clause";
    const token = this.#tokens.nextNonSpace();
    const name = this.#templateName(token, context);
    const pipe = this.#pipe(context, "rightDelimiter");
    this.#nested(name, context);
    return { kind: "template", at: token.at, name, pipe };
  }

  #templateCall(): Node {
    const context = "template clause";
    const token = this.#tokens.nextNonSpace();
    const name = this.#templateName(token, context);
    const start = this.#tokens.position;
    let pipe: Pipe | undefined;
    if (this.#tokens.nextNonSpace().kind !== "rightDelimiter") {
      this.#tokens.position = start;
      pipe = this.#pipe(context, "rightDelimiter");
    }
    return { kind: "template", at: token.at, name, pipe };
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== "string" && token.kind !== "rawString") return this.#tokens.unexpected(token, context);
    return this.#unquote(token.value);
  }

  #unquote(text: string): string {
    return unquote(text) ?? this.#tokens.fail("invalid syntax");
  }

  #pipe(context: string, end: "rightDelimiter" | "rightParen"): Pipe {
    const tokens = this.#tokens;
    const { at } = tokens.peekNonSpace();
    const { variables, assigns } = this.#declarations(context);
    const commands: CommandNode[] = [];
    for (;;) {
      const start = tokens.position;
      const token = tokens.nextNonSpace();
      if (token.kind === end) break;
      if (!operandKinds.has(token.kind)) tokens.unexpected(token, context);
      tokens.position = start;
      commands.push(this.#command());
    }
    if (commands.length === 0) tokens.fail(`missing value for ${context}`);
    commands.slice(1).forEach(({ operands: [first] }, index) => {
      if (first && ["bool", "dot", "nil", "number", "string"].includes(first.kind))
        tokens.fail(`non executable command in pipeline stage ${index + 2}`);
    });
    return { kind: "pipe", at, variables, assigns, commands };
  }

  #declarations(context: string): { variables: string[]; assigns: boolean } {
    const tokens = this.#tokens;
    const variables: string[] = [];
    let assigns = false;
    while (tokens.peekNonSpace().kind === "variable") {
      const start = tokens.position;
      const { value } = tokens.next();
      const next = tokens.peekNonSpace();
      const isComma = next.kind === "char" && next.value === ",";
      if (next.kind !== "assign" && next.kind !== "declare" && !isComma) {
        tokens.position = start;
        break;
      }
      tokens.next();
      variables.push(value);
      this.#variables.push(value);
      if (!isComma) {
        assigns = next.kind === "assign";
        break;
      }
      if (context !== "range" || variables.length >= 2) tokens.fail(`too many declarations in ${context}`);
      if (!["variable", "rightDelimiter", "rightParen"].includes(tokens.peekNonSpace().kind))
        tokens.fail("range can only initialize variables");
    }
    return { variables, assigns };
  }

  #command(): CommandNode {
    const tokens = this.#tokens;
    const { at } = tokens.peekNonSpace();
    const operands: Operand[] = [];
    for (;;) {
      tokens.peekNonSpace();
      const operand = this.#operand();
      if (operand) operands.push(operand);
      const start = tokens.position;
      const token = tokens.next();
      if (token.kind === "space") continue;
      if (token.kind === "rightDelimiter" || token.kind === "rightParen") tokens.position = start;
      else if (token.kind !== "pipe") tokens.unexpected(token, "operand");
      break;
    }
    if (operands.length === 0) tokens.fail("empty command");
    return { kind: "command", at, operands };
  }

  #operand(): Operand | undefined {
    const tokens = this.#tokens;
    const term = this.#term();
    if (!term || tokens.peek().kind !== "field") return term;
    const { at } = tokens.peek();
    const names: string[] = [];
    while (tokens.peek().kind === "field") names.push(tokens.next().value.slice(1));
    if (term.kind === "field" || term.kind === "variable") return { ...term, at, names: [...term.names, ...names] };
    if (["bool", "string", "number", "nil", "dot"].includes(term.kind))
      tokens.fail(`unexpected . after term ${quote(nodeText(term))}`);
    return { kind: "chain", at, of: term, names };
  }

  #term(): Operand | undefined {
    const tokens = this.#tokens;
    const start = tokens.position;
    const { kind, value, at } = tokens.nextNonSpace();
    switch (kind) {
      case "identifier":
        if (!this.#functions.has(value)) tokens.fail(`function ${quote(value)} not defined`);
        return { kind: "function", name: value, at };
      case "dot":
      case "nil":
        return { kind, at };
      case "variable":
        if (!this.#variables.includes(value)) tokens.fail(`undefined variable ${quote(value)}`);
        return { kind: "variable", name: value, names: [], at };
      case "field":
        return { kind: "field", names: [value.slice(1)], at };
      case "bool":
        return { kind, value: value === "true", at };
      case "charConstant":
      case "complex":
      case "number":
        return this.#number(value, at);
      case "leftParen":
        return this.#pipe("parenthesized pipeline", "rightParen");
      case "string":
      case "rawString":
        return { kind: "string", value: this.#unquote(value), text: value, at };
      default:
        tokens.position = start;
        return undefined;
    }
  }

  #number(text: string, at: number): Operand {
    const parsed = parseNumber(text);
    if (typeof parsed === "string") return this.#tokens.fail(parsed);
    return { kind: "number", value: parsed.value, text, at };
  }
}

/** Only space and comments. */
function isEmpty(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.kind === "text" && node.text.trim() === "");
}

function stopText(end: End): string {
  return end === "end" ? "{{end}}" : "{{else}}";
}
