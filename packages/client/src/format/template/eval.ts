import {
  type AnyNode,
  type Branch,
  type CommandNode,
  type Node,
  nodeText,
  type Operand,
  type Pipe,
  type TemplateCall,
} from "./ast.ts";
import { FunctionError, type ParameterType, type TemplateFunction } from "./functions.ts";
import type { Templates } from "./parser.ts";
import { quote } from "./quote.ts";
import { GoFloat, isMap, isObject, isStruct, isTrue, keysOf, nilInterface, printValue, typeName } from "./values.ts";

/** A template that does not fit the data it was given; the message is Go's. */
export class TemplateExecError extends Error {
  override name = "TemplateExecError";
}

export interface ExecuteOptions {
  readonly source: string;
  /** Of the template itself, for error messages; empty unless docker names it. */
  readonly name: string;
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  /** A missing key of a map is an error, as docker has it for documents without a Go type. */
  readonly missingKeyFails?: boolean;
}

/**
 * Executes a parsed template, as Go's text/template does.
 * @throws TemplateExecError
 */
export function execute(templates: Templates, data: unknown, options: ExecuteOptions): string {
  const out: string[] = [];
  try {
    new Evaluator(templates, { name: options.name, data, options, out }).list(templates.get("") ?? [], data);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TemplateExecError(`template: ${options.name}: exceeded maximum template depth (100000)`);
  }
  return out.join("");
}

/** A command has no value from the stage before it. */
const missing = Symbol("missing");

interface Variable {
  readonly name: string;
  value: unknown;
}

interface Run {
  /** Of the template that is executed. */
  readonly name: string;
  readonly data: unknown;
  readonly options: ExecuteOptions;
  readonly out: string[];
}

/** An item of a list or map without a Go type: an interface to Go, until a pipeline unwraps it. */
class Item {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

type Jump = "break" | "continue" | undefined;

class Evaluator {
  readonly #templates: Templates;
  readonly #run: Run;
  readonly #variables: Variable[];
  /** The node that was evaluated last: where Go reports an error of a field of a pipeline. */
  #last: AnyNode | undefined;

  constructor(templates: Templates, run: Run) {
    this.#templates = templates;
    this.#run = run;
    this.#variables = [{ name: "$", value: run.data }];
  }

  list(nodes: readonly Node[], dot: unknown): Jump {
    for (const node of nodes) {
      const jump = this.#node(node, dot);
      if (jump) return jump;
    }
    return undefined;
  }

  #node(node: Node, dot: unknown): Jump {
    switch (node.kind) {
      case "text":
        this.#run.out.push(node.text);
        return undefined;
      case "action": {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.#run.out.push(this.#printed(value, node));
        return undefined;
      }
      case "break":
      case "continue":
        return node.kind;
      case "template":
        this.#call(node, dot);
        return undefined;
      default: {
        const depth = this.#variables.length;
        const jump = node.kind === "range" ? this.#range(node, dot) : this.#branch(node, dot);
        this.#variables.length = depth;
        return jump;
      }
    }
  }

  #printed(value: unknown, node: AnyNode): string {
    if (typeof value === "function") throw this.#error(node, `can't print ${nodeText(node)} of type func`);
    return printValue(value);
  }

  #branch(node: Branch, dot: unknown): Jump {
    const value = this.#pipe(node.pipe, dot);
    return isTrue(value) ? this.list(node.body, node.kind === "with" ? value : dot) : this.list(node.orElse, dot);
  }

  #range(node: Branch, dot: unknown): Jump {
    const { variables, assigns } = node.pipe;
    const items = this.#items(this.#pipe({ ...node.pipe, variables: [] }, dot), node.pipe);
    if (items.length === 0) return this.list(node.orElse, dot);
    const depth = this.#variables.length;
    for (const [key, plain] of items) {
      const item = this.#run.options.missingKeyFails ? new Item(plain) : plain;
      const values = variables.length === 2 ? [key, item] : [item];
      for (const [at, name] of variables.entries()) this.#setVariable(name, values[at], assigns);
      const jump = this.list(node.body, item);
      this.#variables.length = depth;
      if (jump === "break") break;
    }
    return undefined;
  }

  #items(value: unknown, node: AnyNode): (readonly [unknown, unknown])[] {
    if (value === undefined || value === null || value === nilInterface) return [];
    if (Array.isArray(value)) return value.map((item, at) => [at, unwrapped(item)] as const);
    if (typeof value === "number" && Number.isInteger(value))
      return Array.from({ length: Math.max(0, value) }, (_, at) => [at, at] as const);
    if (isObject(value) && isMap(value)) return keysOf(value).map((key) => [key, unwrapped(value[key])] as const);
    throw this.#error(node, `range can't iterate over ${printValue(value)}`);
  }

  #call(node: TemplateCall, dot: unknown): void {
    const body = this.#templates.get(node.name);
    if (!body) throw this.#error(node, `template ${quote(node.name)} not defined`);
    const data = node.pipe ? this.#pipe(node.pipe, dot) : undefined;
    new Evaluator(this.#templates, { ...this.#run, name: node.name, data }).list(body, data);
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    let value: unknown = missing;
    this.#last = pipe;
    for (const command of pipe.commands) value = unwrapped(this.#command(command, dot, value));
    for (const name of pipe.variables) this.#setVariable(name, value, pipe.assigns);
    return value;
  }

  #command(command: CommandNode, dot: unknown, final: unknown): unknown {
    const [first, ...args] = command.operands as [Operand, ...Operand[]];
    const hasArguments = args.length > 0 || final !== missing;
    const refuse = (): void => {
      // A pipeline in parentheses has not been evaluated yet, so the error is at the whole one.
      const place = first.kind === "pipe" ? (this.#last ?? first) : first;
      if (hasArguments) throw this.#error(place, `can't give argument to non-function ${nodeText(first)}`);
    };
    switch (first.kind) {
      case "function":
        return this.#function(first.name, command, args, { dot, final });
      case "field":
      case "chain":
        return this.#fields(first, dot, { args, final });
      case "variable":
        if (first.names.length === 0) refuse();
        return this.#fields(first, dot, { args, final });
      case "nil":
        refuse();
        throw this.#error(first, "nil is not a command");
      default:
        refuse();
        return this.#operand(first, dot);
    }
  }

  #operand(operand: Operand, dot: unknown): unknown {
    if (operand.kind !== "pipe") this.#last = operand;
    switch (operand.kind) {
      case "dot":
        return plainItem(dot);
      case "nil":
        return undefined;
      case "bool":
      case "string":
        return operand.value;
      case "number":
        if (operand.value === undefined) throw this.#error(operand, `${operand.text} overflows int`);
        return operand.value;
      case "pipe":
        return this.#pipe(operand, dot);
      case "function":
        return this.#function(operand.name, operand, [], { dot, final: missing });
      default:
        return this.#fields(operand, dot, { args: [], final: missing });
    }
  }

  /** A chain of fields; arguments go to the last one. */
  #fields(
    node: Extract<Operand, { kind: "field" | "variable" | "chain" }>,
    dot: unknown,
    { args, final }: { args: readonly Operand[]; final: unknown },
  ): unknown {
    const last = node.names.length - 1;
    this.#last = node;
    let value = this.#start(node, dot);
    const place = this.#last;
    const isItem = value instanceof Item;
    value = plainItem(value);
    node.names.forEach((name, at) => {
      const given = at === last ? { args, final } : { args: [], final: missing };
      value = this.#field({ receiver: value, name, inner: at > 0 || isItem }, place, { dot, ...given });
    });
    return value;
  }

  #start(node: Extract<Operand, { kind: "field" | "variable" | "chain" }>, dot: unknown): unknown {
    if (node.kind === "field") return dot;
    if (node.kind === "variable") return this.#variables.findLast(({ name }) => name === node.name)?.value;
    if (node.of.kind === "nil") throw this.#error(node, `indirection through explicit nil in ${nodeText(node)}`);
    return this.#operand(node.of, dot);
  }

  #field(
    { receiver, name, inner }: { receiver: unknown; name: string; inner: boolean },
    node: AnyNode,
    { dot, args, final }: { dot: unknown; args: readonly Operand[]; final: unknown },
  ): unknown {
    const strict = this.#run.options.missingKeyFails === true;
    if (receiver === undefined) {
      if (strict) throw this.#error(node, `nil data; no entry for key ${quote(name)}`);
      return undefined;
    }
    // A value inside a document without types is an interface to Go.
    const type = strict && inner ? "interface {}" : typeName(receiver);
    if (receiver === null || receiver === nilInterface)
      throw this.#error(node, `nil pointer evaluating ${receiver === null ? "*struct" : "interface {}"}.${name}`);
    const hasArguments = args.length > 0 || final !== missing;
    if (isStruct(receiver) && receiver.names.includes(name)) {
      const value = receiver.get(name);
      if (typeof value !== "function") {
        if (hasArguments)
          throw this.#error(
            node,
            `wrong number of args for ${name}: want 0 got ${args.length + Number(final !== missing)}`,
          );
        return value;
      }
      const method: TemplateFunction = { parameters: ["string"], call: value as TemplateFunction["call"] };
      return this.#invoke(name, method, node, { args, dot, final });
    }
    if (isObject(receiver)) {
      const known = Object.hasOwn(receiver, name);
      if (isMap(receiver)) {
        if (known && typeof receiver[name] === "function")
          return (receiver[name] as (...given: unknown[]) => unknown)(
            ...args.map((arg) => this.#argument(arg, "any", dot)),
          );
        if (hasArguments) throw this.#error(node, `${name} is not a method but has arguments`);
        if (!known && strict) throw this.#error(node, `map has no entry for key ${quote(name)}`);
        return known ? receiver[name] : undefined;
      }
      if (known && hasArguments) throw this.#error(node, `${name} has arguments but cannot be invoked as function`);
      if (known) return receiver[name];
    }
    throw this.#error(node, `can't evaluate field ${name} in type ${type}`);
  }

  #function(
    name: string,
    node: AnyNode,
    args: readonly Operand[],
    { dot, final }: { dot: unknown; final: unknown },
  ): unknown {
    this.#last = node;
    const called = this.#run.options.functions.get(name);
    if (!called) throw this.#error(node, `${quote(name)} is not a defined function`);
    return this.#invoke(name, called, node, { args, dot, final });
  }

  #invoke(
    name: string,
    { parameters, rest, call }: TemplateFunction,
    node: AnyNode,
    { args, dot, final }: { args: readonly Operand[]; dot: unknown; final: unknown },
  ): unknown {
    const count = args.length + Number(final !== missing);
    const wrongCount = node.kind === "command" ? (node.operands[0] ?? node) : node;
    if (rest && count < parameters.length)
      throw this.#error(
        wrongCount,
        `wrong number of args for ${name}: want at least ${parameters.length} got ${args.length}`,
      );
    if (!rest && count !== parameters.length)
      throw this.#error(wrongCount, `wrong number of args for ${name}: want ${parameters.length} got ${count}`);
    const typeAt = (at: number): ParameterType => parameters[at] ?? rest ?? "any";
    if (name === "and" || name === "or") return this.#shortCircuit(name, args, { dot, final });
    const values = args.map((arg, at) => this.#argument(arg, typeAt(at), dot));
    if (final !== missing) values.push(this.#checked(final, typeAt(args.length), node));
    try {
      return (call as (...given: unknown[]) => unknown)(
        ...values,
        ...(name === "call" ? [{ text: args[0] ? nodeText(args[0]) : "" }] : []),
      );
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      throw this.#error(node, `error calling ${name}: ${error.message}`);
    }
  }

  /** `and` and `or` stop at the first deciding argument, so that {{if and .A .A.B}} is safe. */
  #shortCircuit(
    name: "and" | "or",
    args: readonly Operand[],
    { dot, final }: { dot: unknown; final: unknown },
  ): unknown {
    let value: unknown;
    for (const arg of args) {
      value = this.#argument(arg, "value", dot);
      if (isTrue(value) === (name === "or")) return value;
    }
    return final === missing ? value : final;
  }

  #argument(arg: Operand, type: ParameterType, dot: unknown): unknown {
    this.#last = arg;
    switch (arg.kind) {
      case "nil":
        if (type === "string" || type === "int") throw this.#error(arg, `cannot assign nil to ${type}`);
        return type === "[]string" ? [] : undefined;
      case "bool":
      case "number":
      case "string":
        return this.#literal(arg, type);
      default:
        return this.#checked(this.#operand(arg, dot), type, arg);
    }
  }

  #literal(arg: Extract<Operand, { kind: "bool" | "number" | "string" }>, type: ParameterType): unknown {
    const value = this.#constant(arg, type);
    if (type === "string" && arg.kind !== "string") throw this.#error(arg, `expected string; found ${nodeText(arg)}`);
    if (type === "int" && !isInteger(value)) throw this.#error(arg, `expected integer; found ${nodeText(arg)}`);
    if (type === "[]string") throw this.#error(arg, `can't handle ${nodeText(arg)} for arg of type []string`);
    return value;
  }

  /** 1.0 is an integer where one is wanted. */
  #constant(arg: Extract<Operand, { kind: "bool" | "number" | "string" }>, type: ParameterType): unknown {
    const value = this.#operand(arg, undefined);
    return type === "int" && value instanceof GoFloat && Number.isInteger(value.value) ? value.value : value;
  }

  /** Checks a value against a parameter's type, as reflection would. */
  #checked(value: unknown, type: ParameterType, node: AnyNode): unknown {
    if (type === "any" || type === "value") return value;
    if (value === undefined || value === nilInterface) {
      if (type === "[]string") return [];
      throw this.#error(node, `invalid value; expected ${type}`);
    }
    const actual = typeName(value);
    const fits = type === "int" ? isInteger(value) : actual === type || (type === "[]string" && isStructList(value));
    if (fits) return value;
    throw this.#error(node, `wrong type for value; expected ${type}; got ${actual}`);
  }

  #setVariable(name: string, value: unknown, assigns: boolean): void {
    const existing = assigns ? this.#variables.findLast((variable) => variable.name === name) : undefined;
    if (assigns && !existing && this.#last) throw this.#error(this.#last, `undefined variable: ${name}`);
    if (existing) existing.value = value;
    else this.#variables.push({ name, value });
  }

  #error(node: AnyNode, text: string): TemplateExecError {
    const { source, name } = this.#run.options;
    const before = source.slice(0, node.at);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    const executing = `executing ${quote(this.#run.name)} at <${nodeText(node)}>`;
    return new TemplateExecError(`template: ${name}:${line}:${column}: ${executing}: ${text}`);
  }
}

/** A nil interface that leaves a pipeline is no value. */
function unwrapped(value: unknown): unknown {
  return value === nilInterface ? undefined : value;
}

function plainItem(value: unknown): unknown {
  return value instanceof Item ? value.value : value;
}

function isInteger(value: unknown): boolean {
  return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
}

/** A list of values that print themselves, such as those of a list's columns. */
function isStructList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isStruct);
}
