// Attributes of netlink messages (netlink(7), struct nlattr): length, type, value, padded to four bytes.
// Numbers are in the machine's order, which is little-endian on every architecture this runs on.
import { NLA_F_NESTED, NLA_F_NET_BYTEORDER } from "../constants.ts";

const headerLength = 4;
const typeMask = ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER) & 0xffff;

/** Rounds up to four bytes (NLA_ALIGN, NLMSG_ALIGN). */
export function align(length: number): number {
  return (length + 3) & ~3;
}

export function bytesAttribute(type: number, value: Uint8Array): Buffer {
  const attribute = Buffer.alloc(align(headerLength + value.length));
  attribute.writeUInt16LE(headerLength + value.length, 0);
  attribute.writeUInt16LE(type, 2);
  attribute.set(value, headerLength);
  return attribute;
}

export function u8Attribute(type: number, value: number): Buffer {
  return bytesAttribute(type, Uint8Array.of(value));
}

export function u32Attribute(type: number, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytesAttribute(type, bytes);
}

/** With its final NUL byte, as the kernel's string attributes have it. */
export function textAttribute(type: number, value: string): Buffer {
  return bytesAttribute(type, Buffer.from(`${value}\0`));
}

export function nestedAttribute(type: number, ...parts: readonly Uint8Array[]): Buffer {
  return bytesAttribute(type | NLA_F_NESTED, Buffer.concat(parts));
}

/** The values of a list of attributes by type; of a repeated one the last. A list that is cut short ends early. */
export function parseAttributes(list: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + headerLength <= list.length; ) {
    const length = list.readUInt16LE(at);
    if (length < headerLength || at + length > list.length) break;
    found.set(list.readUInt16LE(at + 2) & typeMask, list.subarray(at + headerLength, at + length));
    at += align(length);
  }
  return found;
}

export function readText(value: Buffer | undefined): string | undefined {
  if (!value) return undefined;
  const end = value.indexOf(0);
  return value.toString("utf8", 0, end < 0 ? value.length : end);
}

export function readU32(value: Buffer | undefined): number | undefined {
  return value && value.length >= 4 ? value.readUInt32LE(0) : undefined;
}
