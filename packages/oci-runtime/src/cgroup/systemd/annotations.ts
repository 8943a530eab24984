import { PlanError } from "../../plan/op.ts";
import type { Property } from "./properties.ts";

const prefix = "org.systemd.property.";

/**
 * Annotations "org.systemd.property.NAME" as properties of the unit; their values are written as systemd's busctl and
 * GVariant write them: true, 5, uint64 5, 'text', ['a', 'b']. A name that ends in Sec takes seconds.
 * @throws PlanError naming the annotation
 */
export function annotationProperties(annotations: Readonly<Record<string, string>>): Property[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => {
      const name = key.slice(prefix.length);
      const value = parseValue(text.trim());
      if (!/^[A-Za-z]{3,}$/.test(name) || !value)
        throw new PlanError(
          `annotations["${key}"] must name a property of systemd's units and hold a value such as true, uint64 5 or 'text', not ${JSON.stringify(text)}`,
        );
      return inMicroseconds(name, value);
    });
}

function parseValue(text: string): readonly [signature: string, value: unknown] | undefined {
  if (text === "true" || text === "false") return ["b", text === "true"];
  const string = /^'((?:[^'\\]|\\.)*)'$|^"((?:[^"\\]|\\.)*)"$/.exec(text);
  if (string) return ["s", (string[1] ?? string[2] ?? "").replaceAll(/\\(.)/g, "$1")];
  const number = /^(?:(byte|u?int(?:16|32|64)|double) +)?(-?\d+(?:\.\d+)?)$/.exec(text);
  if (number) return numberOf(number[1] ?? (number[2]?.includes(".") ? "double" : "int32"), number[2] ?? "0");
  const list = /^\[(.*)\]$/.exec(text);
  const items = list?.[1]?.split(",").map((item) => parseValue(item.trim())) ?? [];
  const [first] = items;
  if (!first || !items.every((item) => item?.[0] === first[0])) return undefined;
  return [`a${first[0]}`, items.map((item) => item?.[1])];
}

const signatures: Readonly<Record<string, string>> = {
  byte: "y",
  int16: "n",
  uint16: "q",
  int32: "i",
  uint32: "u",
  int64: "x",
  uint64: "t",
  double: "d",
};

function numberOf(type: string, text: string): readonly [string, unknown] | undefined {
  const signature = signatures[type];
  if (!signature || (text.includes(".") && signature !== "d")) return undefined;
  return [signature, signature === "x" || signature === "t" ? BigInt(text) : Number(text)];
}

/** TimeoutStopSec=5 is TimeoutStopUSec=5000000 on the bus. */
function inMicroseconds(name: string, [signature, value]: readonly [string, unknown]): Property {
  if (!name.endsWith("Sec") || name.endsWith("USec") || (typeof value !== "number" && typeof value !== "bigint"))
    return [name, signature, value];
  return [`${name.slice(0, -3)}USec`, "t", BigInt(Math.round(Number(value) * 1e6))];
}
