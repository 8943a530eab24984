/**
 * JSON string escaping from bytes to bytes, as Go's encoder writes log lines: `"` and `\` with a backslash,
 * \n and \r by name, other control characters and `<`, `>`, `&`, U+2028, U+2029 as \u00XX / \uXXXX, and each byte
 * that is not valid UTF-8 as \ufffd. Other bytes are copied.
 */

const hex = Buffer.from("0123456789abcdef", "latin1");
const backslash = 0x5c;
const letterU = 0x75;
const zero = 0x30;

/** 1 for an ASCII byte that stands for itself. */
const plain = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++) plain[byte] = 1;
for (const special of Buffer.from('"\\<>&', "latin1")) plain[special] = 0;

/** Most bytes of output for one byte of input. */
export const maxExpansion = 6;

/**
 * Writes a text escaped into `target` at `at`; maxExpansion times its length must be free there.
 * @returns the offset after the output
 */
export function escapeInto(text: Uint8Array, target: Uint8Array, at: number): number {
  const end = text.length;
  let out = at;
  let index = 0;
  while (index < end) {
    const byte = text[index] as number;
    if (plain[byte] === 1) {
      target[out++] = byte;
      index += 1;
    } else if (byte < 0x80) {
      out = escapeAscii(byte, target, out);
      index += 1;
    } else {
      const length = sequenceLength(text, index);
      if (length === 0) {
        out = writeUnit(0xfffd, target, out);
        index += 1;
      } else if (isSeparator(text, index)) {
        out = writeUnit(0x2000 | ((text[index + 2] as number) & 0x3f), target, out);
        index += length;
      } else {
        for (const stop = index + length; index < stop; ) target[out++] = text[index++] as number;
      }
    }
  }
  return out;
}

function escapeAscii(byte: number, target: Uint8Array, at: number): number {
  const short = byte === 0x0a ? 0x6e : byte === 0x0d ? 0x72 : byte === 0x22 || byte === backslash ? byte : 0;
  if (short === 0) return writeUnit(byte, target, at);
  target[at] = backslash;
  target[at + 1] = short;
  return at + 2;
}

function writeUnit(unit: number, target: Uint8Array, at: number): number {
  target[at] = backslash;
  target[at + 1] = letterU;
  if (unit < 0x100) {
    target[at + 2] = zero;
    target[at + 3] = zero;
  } else {
    target[at + 2] = hex[unit >> 12] as number;
    target[at + 3] = hex[(unit >> 8) & 15] as number;
  }
  target[at + 4] = hex[(unit >> 4) & 15] as number;
  target[at + 5] = hex[unit & 15] as number;
  return at + 6;
}

/** E2 80 A8 and E2 80 A9: line ends to JavaScript. */
function isSeparator(text: Uint8Array, index: number): boolean {
  return text[index] === 0xe2 && text[index + 1] === 0x80 && ((text[index + 2] as number) & 0xfe) === 0xa8;
}

/** Bytes of the UTF-8 sequence at `index`, 0 if it is invalid (overlong, surrogate, cut off, or beyond U+10FFFF). */
function sequenceLength(source: Uint8Array, index: number): number {
  const lead = source[index] as number;
  const length = leadLength(lead);
  if (length === 0 || index + length > source.length) return 0;
  const second = source[index + 1] as number;
  if (second < lowestSecond(lead) || second > highestSecond(lead)) return 0;
  for (let offset = 2; offset < length; offset++) {
    if (((source[index + offset] as number) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

function leadLength(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

function lowestSecond(lead: number): number {
  return lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
}

function highestSecond(lead: number): number {
  return lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
}

/**
 * Number of bytes at the end that begin a UTF-8 sequence which is cut off there: 0 to 3. A line that is split before
 * them keeps its characters whole.
 */
export function cutCharacter(text: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, text.length); back++) {
    const byte = text[text.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    return leadLength(byte) > back ? back : 0;
  }
  return 0;
}
