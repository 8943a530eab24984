import type { BytePath } from "@gantry/tree-copy/byte-path";
import { blockSize, type EntryType } from "./tar-header.ts";

/** A tar entry to be written. */
export interface NewEntry {
  readonly path: BytePath;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content that follow; 0 for all but files. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** Target of a link or symlink. */
  readonly linkPath?: BytePath;
  readonly major?: number;
  readonly minor?: number;
  readonly xattrs?: readonly (readonly [name: string, value: Uint8Array])[];
}

const flags: Readonly<Record<EntryType, string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};
const nameBytes = 100;
/** The largest numbers in seven and eleven octal digits. */
const largestId = 0o7777777;
const largestNumber = 0o77777777777;
const second = 1_000_000_000n;

/** Two blocks of zeros end an archive. */
export const endOfArchive = Buffer.alloc(2 * blockSize);

/** Bytes of padding after content of a size. */
export function paddingAfter(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

/** An entry's ustar header, preceded by a pax header where ustar cannot represent a value. */
export function encodeHeader(entry: NewEntry): Buffer {
  const records = paxRecords(entry);
  const header = ustar(entry, flags[entry.type]);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const name = `PaxHeaders/${entry.path.slice(entry.path.lastIndexOf("/") + 1)}`;
  const plain = { ...entry, path: name, linkPath: "", size: body.length, mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n };
  return Buffer.concat([ustar(plain, "x"), body, Buffer.alloc(paddingAfter(body.length)), header]);
}

function paxRecords(entry: NewEntry): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Uint8Array) => records.push(record(key, value));
  if (needsPax(entry.path)) add("path", Buffer.from(entry.path, "latin1"));
  if (entry.linkPath !== undefined && needsPax(entry.linkPath)) add("linkpath", Buffer.from(entry.linkPath, "latin1"));
  if (entry.size > largestNumber) add("size", String(entry.size));
  if (entry.uid > largestId) add("uid", String(entry.uid));
  if (entry.gid > largestId) add("gid", String(entry.gid));
  const seconds = entry.mtimeNs / second;
  if (entry.mtimeNs < 0n || seconds > largestNumber || entry.mtimeNs % second !== 0n)
    add("mtime", paxTime(entry.mtimeNs));
  // By name, so that equal files have equal headers.
  const xattrs = [...(entry.xattrs ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [name, value] of xattrs) add(`SCHILY.xattr.${name}`, value);
  return records;
}

function needsPax(path: BytePath): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  return path.length > nameBytes || !/^[\x00-\x7f]*$/.test(path);
}

/** Decimal seconds, without trailing zeros. */
function paxTime(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = String(size % second)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${ns < 0n ? "-" : ""}${size / second}${fraction === "" ? "" : `.${fraction}`}`;
}

/** "LENGTH KEY=VALUE\n", where the length counts its own digits. */
function record(key: string, value: string | Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
  let length = rest.length + String(rest.length).length;
  if (String(length).length > String(rest.length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function ustar(entry: NewEntry, flag: string): Buffer {
  const block = Buffer.alloc(blockSize);
  block.write(entry.path.slice(0, nameBytes), 0, "latin1");
  octal(block, 100, 8, entry.mode);
  octal(block, 108, 8, entry.uid > largestId ? 0 : entry.uid);
  octal(block, 116, 8, entry.gid > largestId ? 0 : entry.gid);
  octal(block, 124, 12, entry.size > largestNumber ? 0 : entry.size);
  const seconds = entry.mtimeNs < 0n ? 0 : Number(entry.mtimeNs / second);
  octal(block, 136, 12, seconds > largestNumber ? 0 : seconds);
  block.write(flag, 156, "latin1");
  block.write((entry.linkPath ?? "").slice(0, nameBytes), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(block, 329, 8, entry.major ?? 0);
  octal(block, 337, 8, entry.minor ?? 0);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
}
