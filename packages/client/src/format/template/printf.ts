import { formatValue, nilInterface, typeName } from "./values.ts";
import { formatVerb, type Spec } from "./verbs.ts";

/** fmt.Sprint: a space between operands when neither is a string. */
export function sprint(args: readonly unknown[]): string {
  let out = "";
  args.forEach((arg, at) => {
    const spaced = at > 0 && typeof arg !== "string" && typeof args[at - 1] !== "string";
    out += (spaced ? " " : "") + formatValue(arg);
  });
  return out;
}

/** fmt.Sprintln. */
export function sprintln(args: readonly unknown[]): string {
  return `${args.map(formatValue).join(" ")}\n`;
}

const directive =
  /%([-+# 0]*)((?:\[[^\]]*\])?\*|\d+)?(?:(\.)((?:\[[^\]]*\])?\*|\d+)?)?(\[[^\]]*\])?([\s\S])|%[-+# 0.\d*[]*$/gu;

/** Arguments that are taken one after the other, or by `[n]`. */
class Arguments {
  readonly #values: readonly unknown[];
  #next = 0;
  #reordered = false;
  #isBad = false;

  constructor(values: readonly unknown[]) {
    this.#values = values;
  }

  /** Moves to the argument that `[n]` names. */
  select(index: string | undefined): void {
    this.#isBad = false;
    if (index === undefined) return;
    this.#reordered = true;
    const number = /^\[(\d+)\]$/.exec(index)?.[1];
    this.#isBad = number === undefined || Number(number) < 1 || Number(number) > this.#values.length;
    if (!this.#isBad) this.#next = Number(number) - 1;
  }

  /** The value of a width or precision: a number, `*` for an argument. */
  size(text: string | undefined): number | undefined | "bad" {
    if (text === undefined) return undefined;
    if (!text.endsWith("*")) return Number(text);
    this.select(text.length > 1 ? text.slice(0, -1) : undefined);
    const value = this.#values[this.#next++];
    return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 1e6 ? value : "bad";
  }

  /** The next argument, or the text of the error in its place. */
  take(verb: string): { readonly value: unknown } | string {
    if (this.#isBad) return `%!${verb}(BADINDEX)`;
    if (this.#next >= this.#values.length) return `%!${verb}(MISSING)`;
    return { value: this.#values[this.#next++] };
  }

  extra(): string {
    const rest = this.#reordered ? [] : this.#values.slice(this.#next);
    if (rest.length === 0) return "";
    const shown = rest.map((value) =>
      value == null || value === nilInterface ? "<nil>" : `${typeName(value)}=${formatValue(value)}`,
    );
    return `%!(EXTRA ${shown.join(", ")})`;
  }
}

/** fmt.Sprintf. */
export function sprintf(format: string, args: readonly unknown[]): string {
  const values = new Arguments(args);
  const text = format.replace(directive, (_: string, ...parts: (string | undefined)[]) => {
    const [flags = "", width, dot, precision, index, verb] = parts;
    if (verb === undefined) return "%!(NOVERB)";
    const wide = values.size(width);
    const precise = dot === undefined ? undefined : (values.size(precision) ?? 0);
    if (index !== undefined) values.select(index);
    else if (!width?.includes("[") && !precision?.includes("[")) values.select(undefined);
    if (verb === "%") return "%";
    const bad = `${wide === "bad" ? "%!(BADWIDTH)" : ""}${precise === "bad" || Number(precise) < 0 ? "%!(BADPREC)" : ""}`;
    const taken = values.take(verb);
    if (typeof taken === "string") return bad + taken;
    return bad + formatVerb(specOf(flags, wide, precise, verb), taken.value);
  });
  return text + values.extra();
}

function specOf(
  flags: string,
  width: number | undefined | "bad",
  precision: number | undefined | "bad",
  verb: string,
): Spec {
  const wide = typeof width === "number" ? width : undefined;
  return {
    verb,
    width: wide === undefined ? undefined : Math.abs(wide),
    precision: typeof precision === "number" && precision >= 0 ? precision : undefined,
    left: flags.includes("-") || (wide ?? 0) < 0,
    plus: flags.includes("+"),
    sharp: flags.includes("#"),
    space: flags.includes(" "),
    zero: flags.includes("0"),
  };
}
