import { idOf, type RawHeader, TarError } from "./tar-header.ts";

/** Extended attributes of a pax header, by key; their values are bytes. */
export type PaxRecords = Map<string, Buffer>;

const xattrPrefix = "SCHILY.xattr.";

/**
 * Reads the records "LENGTH KEY=VALUE\n" of a pax header.
 * @throws TarError
 */
export function readPax(body: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  const ranges: string[] = [];
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 ? "" : body.toString("latin1", at, space);
    const length = /^[0-9]{1,10}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = body.indexOf(0x3d, space);
    if (length === 0 || end > body.length || equals < 0 || equals >= end || body[end - 1] !== 0x0a) {
      throw new TarError("not a tar archive: a pax header is malformed");
    }
    const key = body.toString("utf8", space + 1, equals);
    const value = body.subarray(equals + 1, end - 1);
    // Version 0.0 of files with holes repeats two records, which make up the list of version 0.1.
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") ranges.push(value.toString("latin1"));
    else records.set(key, value);
    at = end;
  }
  if (ranges.length > 0) records.set("GNU.sparse.map", Buffer.from(ranges.join(",")));
  return records;
}

/**
 * Overrides a header's fields by those of its pax header. A record with an empty value changes nothing (POSIX: it
 * stands for a field that is not there).
 * @throws TarError for malformed numbers
 */
export function applyPax(header: RawHeader, records: PaxRecords): void {
  for (const [key, value] of records) {
    if (value.length === 0 && !key.startsWith(xattrPrefix)) continue;
    if (key === "path") header.path = name(key, value);
    else if (key === "linkpath") header.linkPath = name(key, value);
    else if (key === "size") header.size = decimal(key, value);
    else if (key === "uid") header.uid = idOf(decimal(key, value));
    else if (key === "gid") header.gid = idOf(decimal(key, value));
    else if (key === "mtime") setTime(header, value);
    else if (key.startsWith(xattrPrefix)) {
      header.xattrs ??= new Map();
      header.xattrs.set(key.slice(xattrPrefix.length), Buffer.from(value));
    }
  }
}

/** POSIX requires UTF-8 here, but GNU tar and Go's archive/tar write other names as they are. */
function name(key: string, value: Buffer): string {
  if (value.includes(0)) throw new TarError(`not a tar archive: pax ${key} has a NUL byte`);
  return value.toString("latin1");
}

function decimal(key: string, value: Buffer): number {
  const text = value.toString("latin1");
  const result = Number(text);
  if (!/^-?[0-9]+$/.test(text) || !Number.isSafeInteger(result)) {
    throw new TarError(`not a tar archive: pax ${key} "${text}" is not a number`);
  }
  return result;
}

/** Decimal seconds with any number of digits after the point; those beyond nanoseconds are cut. */
function setTime(header: RawHeader, value: Buffer): void {
  const text = value.toString("latin1");
  const match = /^([+-]?)([0-9]{1,19})(?:\.([0-9]*))?$/.exec(text);
  if (!match) throw new TarError(`not a tar archive: pax mtime "${text}" is not a time`);
  const [, sign, whole, fraction = ""] = match;
  const nanos = Number(fraction.slice(0, 9).padEnd(9, "0"));
  // Beyond this, in a hundred million years, no file system has a time.
  const seconds = Math.min(Number(whole), 2 ** 52);
  const isNegative = sign === "-";
  // -1.25 s is 0.75 s after -2 s
  header.mtime = isNegative ? (nanos === 0 ? -seconds : -seconds - 1) : seconds;
  header.mtimeNanos = isNegative && nanos !== 0 ? 1_000_000_000 - nanos : nanos;
}
