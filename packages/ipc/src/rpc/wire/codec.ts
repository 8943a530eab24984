/// <reference path="./msgpackr.d.ts" />
import msgpackr from "msgpackr/index-no-eval";
import { assertPlain } from "./plain.ts";

/**
 * Plain MessagePack, so that any language can join: maps with string keys, arrays, strings, bytes,
 * booleans, nil and numbers. A property that is undefined is left out; an undefined element is nil.
 */
const packr = new msgpackr.Packr({
  useRecords: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
  int64AsType: "number",
  mapsAsObjects: true,
  ...{ skipValues: [undefined] },
});

const refused: readonly (new (...args: never[]) => object)[] = [Date, Set, RegExp, Error];
for (const Class of refused) {
  msgpackr.addExtension({
    Class,
    write(): never {
      throw new TypeError(`a ${Class.name} cannot travel in a message; send a string or a plain object`);
    },
  });
}

/** @throws TypeError for a value that plain MessagePack cannot carry. */
export function encode(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** Bytes in the result are views into the message. @throws Error for anything but one plain value. */
export function decode(bytes: Uint8Array): unknown {
  assertPlain(bytes);
  return packr.unpack(bytes);
}
