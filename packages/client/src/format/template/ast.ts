/** Position of a node in the template's text, for error messages. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

export type Operand = Span &
  (
    | { readonly kind: "dot" | "nil" }
    | { readonly kind: "literal"; readonly value: string | number | boolean }
    | { readonly kind: "function"; readonly name: string }
    | { readonly kind: "variable"; readonly name: string }
    | { readonly kind: "pipe"; readonly pipe: Pipe }
    /** Fields of the value of `of`, or of `.`. */
    | { readonly kind: "fields"; readonly of: Operand; readonly names: readonly string[] }
  );

export interface CommandNode extends Span {
  readonly operands: readonly Operand[];
}

export interface Pipe extends Span {
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly CommandNode[];
}

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | { readonly kind: "if" | "with" | "range"; readonly pipe: Pipe; readonly body: Node[]; readonly orElse: Node[] }
  | { readonly kind: "break" | "continue" };
