import { FunctionError } from "./function-error.ts";
import { formatValue, GoFloat, isMap, isObject, JsonNumber, nilInterface, typeName } from "./values.ts";

type Kind = "bool" | "float" | "int" | "string" | undefined;

/** Go's basic kind of a value. */
function kindOf(value: unknown): Kind {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string" || value instanceof JsonNumber) return "string";
  if (value instanceof GoFloat) return "float";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return undefined;
}

function plain(value: unknown): unknown {
  if (value instanceof GoFloat) return value.value;
  if (value instanceof JsonNumber) return value.text;
  return value === nilInterface ? undefined : value;
}

/** `eq` of two values. @throws FunctionError */
export function equal(a: unknown, b: unknown): boolean {
  const [left, right] = [plain(a), plain(b)];
  if (kindOf(a) !== kindOf(b)) {
    if (left !== undefined && right !== undefined) throw new FunctionError("incompatible types for comparison");
    return false;
  }
  if (kindOf(a) !== undefined) return left === right;
  const isEmpty = (value: unknown) => value === undefined || value === null;
  if (isEmpty(left) || isEmpty(right)) return isEmpty(left) && isEmpty(right);
  if (Array.isArray(left) || (isObject(left) && isMap(left))) {
    throw new FunctionError(`non-comparable type ${formatValue(right)}: ${typeName(right)}`);
  }
  return left === right;
}

/** The order of two values of one basic kind. @throws FunctionError */
export function compare(a: unknown, b: unknown): number {
  const [left, right] = [kindOf(a), kindOf(b)];
  if (left === undefined || right === undefined) throw new FunctionError("invalid type for comparison");
  if (left !== right) throw new FunctionError("incompatible types for comparison");
  if (left === "bool") throw new FunctionError("invalid type for comparison");
  const [x, y] = [plain(a) as string, plain(b) as string];
  return x < y ? -1 : Number(x > y);
}
