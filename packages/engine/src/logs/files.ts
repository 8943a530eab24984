import { randomBytes } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A rename is under way where a number is missing: the next one is looked at too. */
const gapsAllowed = 1;
const prefixBytes = 512;

/** One open file of a rotated log. */
export interface LogFile {
  readonly handle: FileHandle;
  /** What tells two files apart when one of them may be the other's compressed form. */
  readonly isCompressed: boolean;
  close(): Promise<void>;
}

/** Opens all files of a rotated log, oldest first: PATH.2.gz, PATH.1, PATH. None when there is no log yet. */
export function openLog(path: string): Promise<LogFile[]> {
  return openNewer(path, undefined);
}

/** Opens the files that have come after one, oldest first; all when that one is there no more. */
export async function openNewer(path: string, last: LogFile | undefined): Promise<LogFile[]> {
  const found: LogFile[] = [];
  for (let index = 0, gaps = 0; gaps <= gapsAllowed; index++) {
    const file = await openNumbered(index === 0 ? path : `${path}.${index}`);
    if (!file) {
      gaps += 1;
      continue;
    }
    if (last && (await isSame(file, last))) {
      await file.close();
      break;
    }
    // A rotation meanwhile shows a file again under the next number.
    const previous = found.at(-1);
    if (previous && (await isSame(file, previous))) await file.close();
    else found.push(file);
  }
  return found.reverse();
}

/** A file is there as it is, or compressed, or, while it is being compressed, both. */
async function openNumbered(path: string): Promise<LogFile | undefined> {
  for (const attempt of [openPlain, openCompressed, openPlain]) {
    const file = await attempt(path);
    if (file) return file;
  }
  return undefined;
}

async function openPlain(path: string): Promise<LogFile | undefined> {
  const handle = await open(path, "r").catch(() => undefined);
  return handle && { handle, isCompressed: false, close: () => handle.close() };
}

/** Reading goes back and forth, so a compressed file is unpacked into one without a name. */
async function openCompressed(path: string): Promise<LogFile | undefined> {
  const source = await open(`${path}.gz`, "r").catch(() => undefined);
  if (!source) return undefined;
  const { createGunzip } = await import("node:zlib");
  const handle = await openNameless();
  try {
    for await (const chunk of createReadStream("", { fd: source, autoClose: false }).pipe(createGunzip())) {
      await handle.write(chunk as Buffer);
    }
  } catch {
    // What can be read of a damaged one is shown.
  } finally {
    await source.close();
  }
  return { handle, isCompressed: true, close: () => handle.close() };
}

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `gantry-log-${randomBytes(6).toString("hex")}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  const handle = await open(path, flags, 0o600);
  await unlink(path);
  return handle;
}

/** Whether two are the same file, be one of them compressed: the same size and beginning then. */
async function isSame(one: LogFile, other: LogFile): Promise<boolean> {
  const [a, b] = await Promise.all([one.handle.stat(), other.handle.stat()]);
  if (one.isCompressed === other.isCompressed && !one.isCompressed) return a.ino === b.ino && a.dev === b.dev;
  if (a.size !== b.size) return false;
  const [first, second] = await Promise.all([beginning(one), beginning(other)]);
  return first.equals(second);
}

async function beginning({ handle }: LogFile): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(prefixBytes), 0, prefixBytes, 0);
  return buffer.subarray(0, bytesRead);
}
