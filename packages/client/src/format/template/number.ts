import { unquote } from "./quote.ts";
import { GoComplex, GoFloat } from "./values.ts";

/** A constant's value; undefined where Go has none that an `int` or `float64` can hold. */
export interface Constant {
  readonly value: number | bigint | GoFloat | GoComplex | undefined;
}

/** Reads a number or a character constant of a template. @returns Go's message for a malformed one */
export function parseNumber(text: string): Constant | string {
  if (text.startsWith("'")) {
    const char = unquote(text);
    if (char !== undefined) return { value: char.codePointAt(0) };
    const isLong = unquote(`"${text.slice(1, -1).replaceAll('"', '\\"').replaceAll("\\'", "'")}"`) !== undefined;
    return isLong && text !== "''" ? `malformed character constant: ${text}` : "invalid syntax";
  }
  const complex = /^([+-]?[\d.]*(?:e[+-]?\d+)?(?=[+-]))?([+-]?[\d.]+(?:e[+-]?\d+)?)i$/i.exec(text);
  if (complex) return { value: new GoComplex(Number(complex[1] ?? 0), Number(complex[2])) };
  const digits = text.replace(/^[+-]/, "");
  if (/__|_$|^_|_[.eEpP]|[.eEpP+-]_/.test(digits) || (digits.includes("_") && !/^0[xXoObB]|^0?_?[0-9_]+$/.test(digits)))
    return `illegal number syntax: ${JSON.stringify(text)}`;
  const sign = text.startsWith("-") ? -1 : 1;
  const plain = digits.replaceAll("_", "").replace(/^0+(?=[0-7]+$)/, "0o");
  if (/^(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/.test(plain)) {
    const whole = BigInt(plain.toLowerCase()) * BigInt(sign);
    if (whole >= 2n ** 64n || whole < -(2n ** 63n)) return `integer overflow: ${JSON.stringify(text)}`;
    if (whole >= 2n ** 63n) return { value: undefined };
    const number = Number(whole);
    return { value: Number.isSafeInteger(number) ? number : whole };
  }
  const hex = /^0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/.exec(plain);
  if (hex) {
    const [, whole = "", fraction = "", exponent = ""] = hex;
    const mantissa = Number.parseInt(`${whole}${fraction}` || "0", 16);
    return { value: new GoFloat(sign * mantissa * 2 ** (Number(exponent) - 4 * fraction.length)) };
  }
  if (!/^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(plain))
    return `illegal number syntax: ${JSON.stringify(text)}`;
  if (!/[.eEpP]/.test(plain)) return `integer overflow: ${JSON.stringify(text)}`;
  const float = sign * Number(plain);
  return Number.isFinite(float) ? { value: new GoFloat(float) } : `illegal number syntax: ${JSON.stringify(text)}`;
}
