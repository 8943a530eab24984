import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path/posix";
import type { Seccomp } from "@gantry/oci-spec/runtime";
import type { FilterMaker } from "../../plan/encode.ts";

/** Raised when the same profile would compile to something else. */
const version = 1;

/**
 * Makes seccomp filters and keeps them, in memory and as files of this user alone: compiling Docker's default profile
 * takes 10 ms, reading the filter 0.1 ms. A file holds the whole profile beside the filter, and only an equal one
 * counts.
 *
 * @param directory made when it is needed; a directory that cannot be used costs time and nothing else
 */
export function cachedFilters(compile: FilterMaker, directory: string): FilterMaker {
  const kept = new Map<string, Uint8Array>();
  return (profile: Seccomp) => {
    const key = `${version} ${process.arch} ${JSON.stringify(profile)}`;
    const found = kept.get(key) ?? readFilter(directory, key);
    const filter = found ?? compile(profile);
    if (!found) writeFilter(directory, key, filter);
    if (kept.size >= 8) kept.clear();
    kept.set(key, filter);
    return filter;
  };
}

function readFilter(directory: string, key: string): Uint8Array | undefined {
  let fd: number;
  try {
    fd = openSync(join(directory, fileName(key)), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const { uid, mode } = fstatSync(fd);
    if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return undefined;
    const data = readFileSync(fd);
    const end = data.indexOf(0);
    return end >= 0 && data.toString("utf8", 0, end) === key ? data.subarray(end + 1) : undefined;
  } finally {
    closeSync(fd);
  }
}

function writeFilter(directory: string, key: string, filter: Uint8Array): void {
  const path = join(directory, fileName(key));
  const temporary = `${path}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, Buffer.concat([Buffer.from(`${key}\0`), filter]), { mode: 0o600, flag: "wx" });
    renameSync(temporary, path);
  } catch {
    // Without the file the next one compiles it again.
  }
}

/** A short name; that the profile is the same is checked on its text. */
function fileName(key: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return `${(hash >>> 0).toString(16).padStart(8, "0")}.bpf`;
}
