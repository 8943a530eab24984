import type { CommandNode, Node, Operand, Pipe, Span } from "./ast.ts";
import { FunctionError, type TemplateFunction } from "./functions.ts";
import { isMap, isObject, isStruct, isTrue, keysOf, printValue, typeName } from "./values.ts";

/** A template that does not fit the data it was given; the message is Go's. */
export class TemplateExecError extends Error {
  override name = "TemplateExecError";
}

/** Stops a range, or continues it with the next item. */
class LoopJump {
  readonly kind: "break" | "continue";
  constructor(kind: "break" | "continue") {
    this.kind = kind;
  }
}

interface Variable {
  readonly name: string;
  value: unknown;
}

/**
 * Executes a parsed template.
 * @throws TemplateExecError
 */
export function execute(
  nodes: readonly Node[],
  data: unknown,
  options: { readonly source: string; readonly functions: ReadonlyMap<string, TemplateFunction> },
): string {
  return new Evaluator(data, options).run(nodes);
}

class Evaluator {
  readonly #source: string;
  readonly #functions: ReadonlyMap<string, TemplateFunction>;
  readonly #root: unknown;
  #variables: Variable[];
  #out = "";

  constructor(data: unknown, options: { source: string; functions: ReadonlyMap<string, TemplateFunction> }) {
    this.#source = options.source;
    this.#functions = options.functions;
    this.#root = data;
    this.#variables = [{ name: "$", value: data }];
  }

  run(nodes: readonly Node[]): string {
    this.#list(nodes, this.#root);
    return this.#out;
  }

  #list(nodes: readonly Node[], dot: unknown): void {
    for (const node of nodes) this.#node(node, dot);
  }

  #node(node: Node, dot: unknown): void {
    switch (node.kind) {
      case "text":
        this.#out += node.text;
        return;
      case "action": {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.#out += printValue(value);
        return;
      }
      case "break":
      case "continue":
        throw new LoopJump(node.kind);
      default:
        this.#scoped(() => this.#branch(node, dot));
    }
  }

  #branch(node: Extract<Node, { kind: "if" | "with" | "range" }>, dot: unknown): void {
    if (node.kind === "range") {
      this.#range(node, dot);
      return;
    }
    const value = this.#pipe(node.pipe, dot);
    if (isTrue(value)) this.#list(node.body, node.kind === "with" ? value : dot);
    else this.#list(node.orElse, dot);
  }

  #range(node: Extract<Node, { kind: "if" | "with" | "range" }>, dot: unknown): void {
    // The variables are set for each item, so the pipe must not declare them itself.
    const value = this.#pipe({ ...node.pipe, variables: [] }, dot);
    const items = this.#items(value, node.pipe);
    if (items.length === 0) {
      this.#list(node.orElse, dot);
      return;
    }
    for (const [key, item] of items) {
      const stop = this.#scoped(() => {
        const names = node.pipe.variables;
        const values = names.length === 2 ? [key, item] : [item];
        names.forEach((name, at) => {
          this.#setVariable(name, values[at], node.pipe.assigns);
        });
        return this.#loopBody(node.body, item);
      });
      if (stop) return;
    }
  }

  #loopBody(body: readonly Node[], dot: unknown): boolean {
    try {
      this.#list(body, dot);
      return false;
    } catch (jump) {
      if (!(jump instanceof LoopJump)) throw jump;
      return jump.kind === "break";
    }
  }

  #items(value: unknown, pipe: Pipe): [unknown, unknown][] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value.map((item, at) => [at, item]);
    if (typeof value === "number") return Array.from({ length: Math.max(0, value) }, (_, at) => [at, at]);
    if (isObject(value))
      return keysOf(value)
        .sort()
        .map((key) => [key, value[key]]);
    throw this.#error(pipe, `range can't iterate over ${printValue(value)}`);
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    let value: unknown;
    pipe.commands.forEach((command, at) => {
      value = this.#command(command, dot, at === 0 ? [] : [value]);
    });
    for (const name of pipe.variables) this.#setVariable(name, value, pipe.assigns);
    return value;
  }

  #command(command: CommandNode, dot: unknown, piped: readonly unknown[]): unknown {
    const [first, ...rest] = command.operands as [Operand, ...Operand[]];
    if (first.kind === "function") return this.#call(first.name, rest, { command, dot, piped });
    const value = this.#operand(first, dot);
    if (typeof value === "function") {
      const args = [...rest.map((operand) => this.#operand(operand, dot)), ...piped];
      return (value as TemplateFunction)(...args);
    }
    if (rest.length > 0 || piped.length > 0) {
      throw this.#error(first, `can't give argument to non-function ${this.#text(first)}`);
    }
    return value;
  }

  #call(
    name: string,
    operands: readonly Operand[],
    { command, dot, piped }: { command: Span; dot: unknown; piped: readonly unknown[] },
  ): unknown {
    const args: unknown[] = [];
    for (const operand of operands) {
      const value = this.#argument(operand, dot);
      args.push(value);
      // `and` and `or` stop at the first deciding argument, so that {{if and .A .A.B}} is safe.
      if ((name === "and" && !isTrue(value)) || (name === "or" && isTrue(value))) return value;
    }
    try {
      return this.#functions.get(name)?.(...args, ...piped);
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      const text = error.message.startsWith("wrong ") ? error.message : `error calling ${name}: ${error.message}`;
      throw this.#error(command, text);
    }
  }

  #argument(operand: Operand, dot: unknown): unknown {
    if (operand.kind === "function") return this.#call(operand.name, [], { command: operand, dot, piped: [] });
    const value = this.#operand(operand, dot);
    return typeof value === "function" ? (value as TemplateFunction)() : value;
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "literal":
        return operand.value;
      case "variable":
        return this.#variables.findLast((variable) => variable.name === operand.name)?.value;
      case "pipe":
        return this.#scoped(() => this.#pipe(operand.pipe, dot));
      case "function":
        return this.#call(operand.name, [], { command: operand, dot, piped: [] });
      case "fields":
        return operand.names.reduce(
          (value: unknown, name) => this.#field(value, name, operand),
          this.#operand(operand.of, dot),
        );
    }
  }

  #field(value: unknown, name: string, node: Span): unknown {
    if (value === undefined) return undefined;
    if (value === null) throw this.#error(node, `nil pointer evaluating interface {}.${name}`);
    if (isStruct(value) && value.names.includes(name)) return value.get(name);
    if (isObject(value)) {
      if (Object.hasOwn(value, name)) return value[name];
      if (isMap(value)) return undefined;
      throw this.#error(node, `map has no entry for key ${JSON.stringify(name)}`);
    }
    throw this.#error(node, `can't evaluate field ${name} in type ${typeName(value)}`);
  }

  #setVariable(name: string, value: unknown, assigns: boolean): void {
    const existing = assigns ? this.#variables.findLast((variable) => variable.name === name) : undefined;
    if (existing) existing.value = value;
    else this.#variables.push({ name, value });
  }

  #scoped<T>(work: () => T): T {
    const depth = this.#variables.length;
    try {
      return work();
    } finally {
      this.#variables.length = depth;
    }
  }

  #text({ at, end }: Span): string {
    return this.#source.slice(at, end);
  }

  #error(node: Span, text: string): TemplateExecError {
    const before = this.#source.slice(0, node.at);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    return new TemplateExecError(`template: :${line}:${column}: executing "" at <${this.#text(node)}>: ${text}`);
  }
}
