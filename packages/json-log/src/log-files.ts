import { randomBytes } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compressedName, numberedName } from "./file-names.ts";

/** A missing number is a rename under way: the next one is looked at too. */
const gapsAllowed = 1;
const prefixBytes = 512;

/** One open file of a rotated log. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly isCompressed: boolean;
  close(): Promise<void>;
}

/**
 * Opens all files of a rotated log, oldest first: PATH.2.gz, PATH.1, PATH. None when there is no log yet.
 * @throws the system's error when a file exists and cannot be opened
 */
export function openLog(path: string): Promise<LogFile[]> {
  return openNewer(path, undefined);
}

/** Opens the files that were created after `last`, oldest first; all of them when `last` is no longer kept. */
export async function openNewer(path: string, last: LogFile | undefined): Promise<LogFile[]> {
  const found: LogFile[] = [];
  try {
    await collectNewer(path, last, found);
  } catch (error) {
    await Promise.all(found.map((file) => file.close().catch(() => {})));
    throw error;
  }
  return found.reverse();
}

async function collectNewer(path: string, last: LogFile | undefined, found: LogFile[]): Promise<void> {
  for (let index = 0, gaps = 0; gaps <= gapsAllowed; index++) {
    const file = await openNumbered(numberedName(path, index));
    if (!file) {
      gaps += 1;
      continue;
    }
    if (last && (await isSame(file, last))) return file.close();
    // A rotation in the meantime shows a file again under the next number.
    const previous = found.at(-1);
    if (previous && (await isSame(file, previous))) await file.close();
    else found.push(file);
  }
}

/** A file exists as it is, or compressed, or, while it is being compressed, in both forms. */
async function openNumbered(path: string): Promise<LogFile | undefined> {
  for (const attempt of [openPlain, openCompressed, openPlain]) {
    const file = await attempt(path);
    if (file) return file;
  }
  return undefined;
}

async function openPlain(path: string): Promise<LogFile | undefined> {
  const handle = await openIfPresent(path);
  return handle && { handle, isCompressed: false, close: () => handle.close() };
}

/** Reading goes back and forth, so a compressed file is unpacked into a nameless one. */
async function openCompressed(path: string): Promise<LogFile | undefined> {
  const source = await openIfPresent(compressedName(path));
  if (!source) return undefined;
  try {
    const handle = await openNameless();
    const file = { handle, isCompressed: true, close: () => handle.close() };
    try {
      await unpack(source, handle);
    } catch (error) {
      // As much as can be read of a damaged file is shown.
      if (!isZlibError(error)) {
        await handle.close();
        throw error;
      }
    }
    return file;
  } finally {
    await source.close();
  }
}

async function unpack(source: FileHandle, target: FileHandle): Promise<void> {
  const { createGunzip } = await import("node:zlib");
  const packed = createReadStream("", { fd: source, autoClose: false });
  const unpacked = createGunzip();
  packed.on("error", (error) => unpacked.destroy(error));
  for await (const chunk of packed.pipe(unpacked)) await target.write(chunk as Buffer);
}

function isZlibError(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith("Z_");
}

/** Only a missing file is undefined: without descriptors or rights the log is not empty. */
async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `gantry-log-${randomBytes(6).toString("hex")}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  const handle = await open(path, flags, 0o600);
  await unlink(path);
  return handle;
}

/** Compares two plain files by inode; where one is compressed, by size and first bytes of the text. */
async function isSame(one: LogFile, other: LogFile): Promise<boolean> {
  const [a, b] = await Promise.all([one.handle.stat(), other.handle.stat()]);
  if (!one.isCompressed && !other.isCompressed) return a.ino === b.ino && a.dev === b.dev;
  if (a.size !== b.size) return false;
  const [first, second] = await Promise.all([firstBytes(one), firstBytes(other)]);
  return first.equals(second);
}

async function firstBytes({ handle }: LogFile): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(prefixBytes), 0, prefixBytes, 0);
  return buffer.subarray(0, bytesRead);
}
