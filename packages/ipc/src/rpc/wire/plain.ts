/** Deeper nesting than any document of this field has; decoders recurse. */
const maxDepth = 128;

/** Values, keys included, that one document may hold: decoded, a byte of the message can become a hundred in memory. */
const maxValues = 1 << 20;

/** Values that the walk under way may still meet. */
let valuesLeft = 0;

/**
 * Walks the tokens of a MessagePack value without building it, and refuses values that are not plain:
 * extensions, the unused token c1, map keys that are not strings, truncated values, trailing
 * bytes, nesting beyond 128, and more than 1048576 values.
 * @throws Error that says which of these it is
 */
export function assertPlain(bytes: Uint8Array): void {
  valuesLeft = maxValues;
  const end = walk(bytes, 0, 0);
  if (end !== bytes.length) throw new Error(`${bytes.length - end} bytes follow the MessagePack value`);
}

function walk(bytes: Uint8Array, at: number, depth: number): number {
  const token = bytes[at];
  if (token === undefined) throw new Error("the MessagePack value is truncated");
  if (token < 0x80 || token >= 0xe0) return at + 1;
  if (token < 0x90) return walkMap(bytes, at + 1, token & 0x0f, depth);
  if (token < 0xa0) return walkArray(bytes, at + 1, token & 0x0f, depth);
  if (token < 0xc0) return skip(bytes, at + 1, token & 0x1f);
  return walkSized(bytes, at, token, depth);
}

function walkSized(bytes: Uint8Array, at: number, token: number, depth: number): number {
  switch (token) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return at + 1;
    case 0xc4:
    case 0xd9:
      return skip(bytes, at + 2, uint(bytes, at + 1, 1));
    case 0xc5:
    case 0xda:
      return skip(bytes, at + 3, uint(bytes, at + 1, 2));
    case 0xc6:
    case 0xdb:
      return skip(bytes, at + 5, uint(bytes, at + 1, 4));
    case 0xcc:
    case 0xd0:
      return skip(bytes, at + 1, 1);
    case 0xcd:
    case 0xd1:
      return skip(bytes, at + 1, 2);
    case 0xca:
    case 0xce:
    case 0xd2:
      return skip(bytes, at + 1, 4);
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return skip(bytes, at + 1, 8);
    case 0xdc:
      return walkArray(bytes, at + 3, uint(bytes, at + 1, 2), depth);
    case 0xdd:
      return walkArray(bytes, at + 5, uint(bytes, at + 1, 4), depth);
    case 0xde:
      return walkMap(bytes, at + 3, uint(bytes, at + 1, 2), depth);
    case 0xdf:
      return walkMap(bytes, at + 5, uint(bytes, at + 1, 4), depth);
    default:
      throw new Error(
        `MessagePack token 0x${token.toString(16)} is not allowed: extensions are not part of the protocol`,
      );
  }
}

function walkArray(bytes: Uint8Array, start: number, count: number, depth: number): number {
  enter(count, depth);
  let at = start;
  for (let i = 0; i < count; i++) at = walk(bytes, at, depth + 1);
  return at;
}

function walkMap(bytes: Uint8Array, start: number, count: number, depth: number): number {
  enter(count * 2, depth);
  let at = start;
  for (let i = 0; i < count; i++) {
    if (!isString(bytes[at])) throw new Error("a MessagePack map has a key that is not a string");
    at = walk(bytes, at, depth + 1);
    at = walk(bytes, at, depth + 1);
  }
  return at;
}

/** Counts the values of an array or a map before they are looked at. */
function enter(values: number, depth: number): void {
  if (depth >= maxDepth) throw new Error(`the MessagePack value nests deeper than ${maxDepth}`);
  valuesLeft -= values;
  if (valuesLeft < 0) throw new Error(`the MessagePack value has more than ${maxValues} values in it`);
}

function isString(token: number | undefined): boolean {
  return token !== undefined && ((token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb));
}

function skip(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) throw new Error("the MessagePack value is truncated");
  return at + length;
}

function uint(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
