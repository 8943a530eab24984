import { formatNumber, formatValue, isObject, printValue, typeName } from "./values.ts";

/** fmt.Sprint: a space between operands when neither is a string. */
export function sprint(args: readonly unknown[]): string {
  let out = "";
  args.forEach((arg, at) => {
    const spaced = at > 0 && typeof arg !== "string" && typeof args[at - 1] !== "string";
    out += (spaced ? " " : "") + printValue(arg);
  });
  return out;
}

/** fmt.Sprintln. */
export function sprintln(args: readonly unknown[]): string {
  return `${args.map(printValue).join(" ")}\n`;
}

const directive = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])|%/g;

interface Directive {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

/** fmt.Sprintf with the verbs v d s q t f e g x X o b c U T and %, flags, width and precision. */
export function sprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(directive, (whole: string, ...parts: (string | undefined)[]) => {
    const [flags = "", width, precision, verb] = parts;
    if (verb === undefined) return "%!(NOVERB)";
    if (verb === "%") return "%";
    const number = (given: string | undefined): number | undefined =>
      given === "*" ? Number(args[next++]) : given === undefined ? undefined : Number(given);
    const wide = number(width);
    const precise = whole.includes(".") ? (number(precision) ?? 0) : undefined;
    if (next >= args.length) return `%!${verb}(MISSING)`;
    return padded({ flags, width: wide, precision: precise, verb }, args[next++]);
  });
  const extra = args.slice(next).map((arg) => `${typeName(arg)}=${formatValue(arg)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(", ")})`;
}

function padded(spec: Directive, value: unknown): string {
  const text = verbText(spec, value);
  const width = spec.width ?? 0;
  if (spec.flags.includes("-")) return text.padEnd(width);
  if (!spec.flags.includes("0") || typeof value !== "number") return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

function verbText(spec: Directive, value: unknown): string {
  const { verb, flags } = spec;
  if (Array.isArray(value) && verb !== "v" && verb !== "T") {
    return `[${value.map((item) => verbText(spec, item)).join(" ")}]`;
  }
  if (verb === "v") return flags.includes("#") ? goSyntax(value) : formatValue(value);
  if (verb === "T") return typeName(value);
  if (verb === "t" && typeof value === "boolean") return String(value);
  if (typeof value === "string") return stringVerb(spec, value) ?? wrong(verb, value);
  if (typeof value === "number") return numberVerb(spec, value) ?? wrong(verb, value);
  return verb === "s" && isObject(value) ? formatValue(value) : wrong(verb, value);
}

function stringVerb({ verb, precision }: Directive, value: string): string | undefined {
  const cut = precision === undefined ? value : [...value].slice(0, precision).join("");
  if (verb === "s") return cut;
  if (verb === "q") return quote(cut);
  if (verb === "x" || verb === "X") {
    const hex = Buffer.from(cut).toString("hex");
    return verb === "x" ? hex : hex.toUpperCase();
  }
  return undefined;
}

function numberVerb({ verb, precision, flags }: Directive, value: number): string | undefined {
  const sign = flags.includes("+") && value >= 0 ? "+" : "";
  const prefix = flags.includes("#");
  if (Number.isInteger(value)) {
    switch (verb) {
      case "d":
        return sign + String(value);
      case "x":
        return sign + (prefix ? "0x" : "") + value.toString(16);
      case "X":
        return sign + (prefix ? "0X" : "") + value.toString(16).toUpperCase();
      case "o":
        return sign + (prefix ? "0" : "") + value.toString(8);
      case "b":
        return sign + value.toString(2);
      case "c":
        return String.fromCodePoint(value);
      case "q":
        return `'${String.fromCodePoint(value)}'`;
      case "U":
        return `U+${value.toString(16).toUpperCase().padStart(4, "0")}`;
    }
  }
  if (verb === "f" || verb === "F") return sign + value.toFixed(precision ?? 6);
  if (verb === "e") return sign + value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2");
  if (verb === "g") return sign + formatNumber(precision === undefined ? value : Number(value.toPrecision(precision)));
  return undefined;
}

function wrong(verb: string, value: unknown): string {
  return value == null ? `%!${verb}(<nil>)` : `%!${verb}(${typeName(value)}=${formatValue(value)})`;
}

function goSyntax(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(", ")}}`;
  return formatValue(value);
}

/** strconv.Quote. */
export function quote(text: string): string {
  const named: Readonly<Record<string, string>> = { "\x07": "\\a", "\v": "\\v", '"': '\\"', "\\": "\\\\" };
  const escaped = (char: string): string => {
    if (named[char]) return named[char];
    const code = char.codePointAt(0) ?? 0;
    const short = { 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r" }[code];
    return short ?? `\\x${code.toString(16).padStart(2, "0")}`;
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  return `"${text.replace(/["\\\u0000-\u001f\u007f]/g, escaped)}"`;
}
