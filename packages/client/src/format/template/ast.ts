import { quote } from "./quote.ts";
import type { GoComplex, GoFloat } from "./values.ts";

interface Positioned {
  /** Offset in the template, for error messages. */
  readonly at: number;
}

export type Operand = Positioned &
  (
    | { readonly kind: "dot" | "nil" }
    | { readonly kind: "bool"; readonly value: boolean }
    | {
        readonly kind: "number";
        readonly value: number | bigint | GoFloat | GoComplex | undefined;
        readonly text: string;
      }
    | { readonly kind: "string"; readonly value: string; readonly text: string }
    | { readonly kind: "function"; readonly name: string }
    | { readonly kind: "field"; readonly names: readonly string[] }
    | { readonly kind: "variable"; readonly name: string; readonly names: readonly string[] }
    /** Fields of a parenthesised pipeline or of a function's result. */
    | { readonly kind: "chain"; readonly of: Operand; readonly names: readonly string[] }
    | Pipe
  );

export interface Pipe extends Positioned {
  readonly kind: "pipe";
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly CommandNode[];
}

export interface CommandNode extends Positioned {
  readonly kind: "command";
  readonly operands: readonly Operand[];
}

export interface Branch extends Positioned {
  readonly kind: "if" | "with" | "range";
  readonly pipe: Pipe;
  readonly body: readonly Node[];
  readonly orElse: readonly Node[];
}

export interface TemplateCall extends Positioned {
  readonly kind: "template";
  readonly name: string;
  readonly pipe: Pipe | undefined;
}

export type Node =
  | (Positioned & { readonly kind: "text"; readonly text: string })
  | (Positioned & { readonly kind: "action"; readonly pipe: Pipe })
  | (Positioned & { readonly kind: "break" | "continue" })
  | Branch
  | TemplateCall;

export type AnyNode = Node | CommandNode | Operand;

/** A node as Go prints it in error messages. */
export function nodeText(node: AnyNode): string {
  switch (node.kind) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(node.value);
    case "number":
    case "string":
      return node.text;
    case "function":
      return node.name;
    case "field":
      return fieldsText(node.names);
    case "variable":
      return node.name + fieldsText(node.names);
    case "chain":
      return operandText(node.of) + fieldsText(node.names);
    case "pipe":
      return pipeText(node);
    case "command":
      return node.operands.map(operandText).join(" ");
    case "template":
      return `{{template ${quote(node.name)}${node.pipe ? ` ${pipeText(node.pipe)}` : ""}}}`;
    case "action":
      return `{{${pipeText(node.pipe)}}}`;
    case "text":
      return node.text;
    case "break":
    case "continue":
      return `{{${node.kind}}}`;
    default:
      return `{{${node.kind} ${pipeText(node.pipe)}}}`;
  }
}

function operandText(operand: Operand): string {
  return operand.kind === "pipe" ? `(${pipeText(operand)})` : nodeText(operand);
}

function pipeText({ variables, assigns, commands }: Pipe): string {
  const declared = variables.length > 0 ? `${variables.join(", ")} ${assigns ? "=" : ":="} ` : "";
  return declared + commands.map(nodeText).join(" | ");
}

function fieldsText(names: readonly string[]): string {
  return names.map((name) => `.${name}`).join("");
}
