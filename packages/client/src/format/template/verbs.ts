import { quote, quoteChar } from "./quote.ts";
import {
  formatFloat,
  formatValue,
  GoFloat,
  isMap,
  isObject,
  isStruct,
  JsonNumber,
  keysOf,
  nilInterface,
  type PlainObject,
  typeName,
} from "./values.ts";

/** A directive of fmt.Sprintf. */
export interface Spec {
  readonly verb: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly left: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
}

/** A value as a verb of Go's fmt prints it; a wrong verb for its type as fmt reports it. */
export function formatVerb(spec: Spec, value: unknown): string {
  const { verb } = spec;
  if (verb === "T") return padded(spec, typeName(value), false);
  if (value === undefined || value === null || value === nilInterface)
    return verb === "v" ? padded(spec, "<nil>", false) : `%!${verb}(<nil>)`;
  if (verb === "v" && spec.sharp) return goSyntax(value);
  if (typeof value === "boolean")
    return verb === "t" || verb === "v" ? padded(spec, String(value), false) : wrong(verb, value);
  if (typeof value === "string") return stringVerb(spec, value, value);
  if (value instanceof JsonNumber) return stringVerb(spec, value.text, value);
  if (value instanceof GoFloat) return floatVerb(spec, value.value);
  if (typeof value === "bigint") return integerVerb(spec, value);
  if (typeof value === "number")
    return Number.isInteger(value) ? integerVerb(spec, BigInt(value)) : floatVerb(spec, value);
  if (Array.isArray(value)) return `[${value.map((item) => formatVerb(spec, item)).join(" ")}]`;
  return objectVerb(spec, value);
}

function objectVerb(spec: Spec, value: unknown): string {
  const show = (item: unknown) => formatVerb(spec, item);
  const named = (name: string, item: unknown) => `${spec.plus && spec.verb === "v" ? `${name}:` : ""}${show(item)}`;
  if (isStruct(value)) return `{${value.names.map((name) => named(name, value.get(name))).join(" ")}}`;
  const object = value as PlainObject;
  if (!isMap(object))
    return `{${Object.entries(object)
      .map(([name, item]) => named(name, item))
      .join(" ")}}`;
  return `map[${keysOf(object)
    .map((key) => `${show(key)}:${show(object[key])}`)
    .join(" ")}]`;
}

function stringVerb(spec: Spec, text: string, value: unknown): string {
  const { verb, precision } = spec;
  const cut = precision === undefined ? text : [...text].slice(0, precision).join("");
  switch (verb) {
    case "v":
    case "s":
      return padded(spec, cut, true);
    case "q":
      if (spec.sharp && !/[`\p{Cc}]/u.test(cut.replaceAll("\t", ""))) return padded(spec, `\`${cut}\``, true);
      return padded(spec, quote(cut), true);
    case "x":
    case "X": {
      const bytes = Buffer.from(text).subarray(0, precision);
      const prefix = spec.sharp ? `0${verb}` : "";
      const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
      const digits = spec.space ? pairs.join(` ${prefix}`) : pairs.join("");
      const hex = pairs.length === 0 ? "" : prefix + (verb === "x" ? digits : digits.toUpperCase());
      return padded(spec, hex, true);
    }
    default:
      return wrong(verb, value);
  }
}

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const prefixes: Readonly<Record<string, string>> = { b: "0b", o: "0", O: "0o", x: "0x", X: "0X" };

function integerVerb(spec: Spec, value: bigint): string {
  const { verb, precision } = spec;
  const base = bases[verb];
  if (base !== undefined) {
    const negative = value < 0n;
    let digits = (negative ? -value : value).toString(base);
    if (verb === "X") digits = digits.toUpperCase();
    if (precision !== undefined) digits = precision === 0 && value === 0n ? "" : digits.padStart(precision, "0");
    const prefix = spec.sharp || verb === "O" ? (prefixes[verb] ?? "") : "";
    return signed({ ...spec, zero: spec.zero && precision === undefined }, negative, prefix + digits, prefix.length);
  }
  const code = value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd;
  if (verb === "c") return padded(spec, String.fromCodePoint(code), true);
  if (verb === "q") return padded(spec, quoteChar(String.fromCodePoint(code)), true);
  if (verb === "U") {
    const name = `U+${value
      .toString(16)
      .toUpperCase()
      .padStart(Math.max(4, precision ?? 0), "0")}`;
    return padded(spec, spec.sharp ? `${name} '${String.fromCodePoint(code)}'` : name, false);
  }
  return wrong(verb, value);
}

function floatVerb(spec: Spec, value: number): string {
  const { verb, precision } = spec;
  const twoDigits = (text: string) => text.replace(/e([+-])(\d)$/, "e$10$2");
  const size = Math.abs(value);
  const text = {
    v: () => general(size, precision, false),
    g: () => general(size, precision, spec.sharp),
    G: () => general(size, precision, spec.sharp).toUpperCase(),
    f: () => size.toFixed(Math.min(precision ?? 6, 100)),
    F: () => size.toFixed(Math.min(precision ?? 6, 100)),
    e: () => twoDigits(size.toExponential(Math.min(precision ?? 6, 100))),
    E: () => twoDigits(size.toExponential(Math.min(precision ?? 6, 100))).toUpperCase(),
  }[verb];
  if (!text) return wrong(verb, new GoFloat(value));
  return signed(spec, value < 0 || Object.is(value, -0), text(), 0);
}

/** %g: the shortest form, or so many significant digits. */
function general(size: number, precision: number | undefined, zeros: boolean): string {
  if (precision === undefined) return formatFloat(size);
  const digits = Math.min(Math.max(precision, 1), 100);
  const exponential = size.toExponential(digits - 1);
  const exponent = Number(exponential.split("e")[1]);
  const trim = (text: string) => (zeros || !text.includes(".") ? text : text.replace(/\.?0+$/, ""));
  if (exponent < -4 || exponent >= digits) {
    const [mantissa = "", power = ""] = exponential.split("e");
    return `${trim(mantissa)}e${power.replace(/^([+-])(\d)$/, "$10$2")}`;
  }
  return trim(size.toFixed(Math.max(0, digits - 1 - exponent)));
}

/** Puts a number's sign in front; zeros that pad it stand behind the sign and the base's prefix. */
function signed(spec: Spec, negative: boolean, digits: string, prefix: number): string {
  const sign = negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
  if (!spec.zero || spec.left) return padded(spec, sign + digits, false);
  const head = sign + digits.slice(0, prefix);
  return head + digits.slice(prefix).padStart((spec.width ?? 0) - sign.length, "0");
}

/** Pads to the width, counted in characters; with zeros where the flag applies to texts. */
function padded(spec: Spec, text: string, zeros: boolean): string {
  const missing = (spec.width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  if (spec.left) return text + " ".repeat(missing);
  return (spec.zero && zeros ? "0" : " ").repeat(missing) + text;
}

function wrong(verb: string, value: unknown): string {
  return `%!${verb}(${typeName(value)}=${formatValue(value)})`;
}

/** %#v. */
function goSyntax(value: unknown): string {
  if (value === undefined || value === null || value === nilInterface) return "interface {}(nil)";
  if (typeof value === "string") return quote(value);
  if (value instanceof JsonNumber) return quote(value.text);
  if (Array.isArray(value)) return `${typeName(value)}{${value.map(goSyntax).join(", ")}}`;
  if (isObject(value) && isMap(value))
    return `${typeName(value)}{${keysOf(value)
      .map((key) => `${quote(key)}:${goSyntax(value[key])}`)
      .join(", ")}}`;
  return formatValue(value);
}
