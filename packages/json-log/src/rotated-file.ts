import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  write,
  writeSync,
} from "node:fs";
import { compressFile } from "./compress.ts";
import { compressedName, numberedName, temporaryName } from "./file-names.ts";

const newline = 0x0a;
/** As Docker's: readable by the group, not by others. */
const fileMode = 0o640;

export interface RotationOptions {
  readonly path: string;
  /** Bytes after which the file is set aside; without it the file grows. */
  readonly maxSize?: number | undefined;
  /** Number of files kept, the current one included. */
  readonly maxFiles: number;
  /** Compress the files that were set aside: PATH.1.gz and so on. */
  readonly compress?: boolean | undefined;
  /** Called when a rotation or a compression fails, once per run of failures. Nothing is lost by either. */
  readonly onError: (error: Error) => void;
}

/** A part of appended lines that goes to one file. */
export interface AppendedPart {
  readonly inode: number;
  /** Size of the file before it. */
  readonly before: number;
  /** Where it begins in the lines, and its length. */
  readonly offset: number;
  readonly length: number;
}

type OnPart = (part: AppendedPart) => void;

/** An append-only file of lines that becomes PATH.1, PATH.2, … as it grows. */
export class RotatedFile {
  readonly #options: RotationOptions;
  #fd: number;
  #size: number;
  #inode: number;
  #compressing: Promise<void> | undefined;
  #rotationFails = false;

  /** @throws the system's error when the file cannot be opened */
  constructor(options: RotationOptions) {
    this.#options = options;
    this.#fd = openSync(options.path, "a+", fileMode);
    ({ size: this.#size, ino: this.#inode } = fstatSync(this.#fd));
  }

  /** The file that is written to. */
  get current(): { readonly inode: number; readonly size: number } {
    return { inode: this.#inode, size: this.#size };
  }

  /** Ends a line in which an earlier writer was killed, so that the next one does not become part of it. */
  endLastLine(): void {
    if (this.#size === 0) return;
    const last = Buffer.alloc(1);
    if (readSync(this.#fd, last, 0, 1, this.#size - 1) !== 1 || last[0] === newline) return;
    this.#size += writeSync(this.#fd, "\n");
  }

  /**
   * Appends whole lines; no line is split over two files. While the file cannot be rotated, it grows beyond its size,
   * and each append tries again.
   * @param onPart called before each write to a file
   */
  async append(lines: Buffer, onPart?: OnPart): Promise<void> {
    const { maxSize } = this.#options;
    let rest = lines;
    const write = async (end: number) => {
      const [offset, length] = [lines.length - rest.length, end];
      onPart?.({ inode: this.#inode, before: this.#size, offset, length });
      await this.#write(rest.subarray(0, end));
    };
    if (maxSize === undefined) return write(lines.length);
    while (rest.length > 0) {
      if (this.#size > 0 && this.#size + firstLine(rest) > maxSize && !(await this.#tryRotate()))
        return write(rest.length);
      const fit = maxSize - this.#size;
      const end = rest.length <= fit ? rest.length : Math.max(rest.lastIndexOf(newline, fit - 1) + 1, firstLine(rest));
      await write(end);
      rest = rest.subarray(end);
    }
  }

  /** Closes the file, once the files set aside are compressed. */
  async close(): Promise<void> {
    closeSync(this.#fd);
    this.#fd = -1;
    await this.#compressing;
  }

  /** A failed write loses the lines that do not fit; half a line is taken back. */
  async #write(bytes: Buffer): Promise<void> {
    let offset = 0;
    try {
      while (offset < bytes.length) offset += await writeOnce(this.#fd, bytes, offset);
    } catch (error) {
      const half = offset - (bytes.lastIndexOf(newline, offset - 1) + 1);
      if (offset > 0 && half > 0 && truncate(this.#fd, this.#size + offset - half)) offset -= half;
      throw error;
    } finally {
      this.#size += offset;
    }
  }

  async #tryRotate(): Promise<boolean> {
    await this.#compressing;
    try {
      this.#rotate();
      this.#rotationFails = false;
      return true;
    } catch (error) {
      const { path, onError } = this.#options;
      if (!this.#rotationFails)
        onError(
          new Error(`rotating ${path}: ${(error as Error).message}; it grows until that works`, { cause: error }),
        );
      this.#rotationFails = true;
      return false;
    }
  }

  /** The next file exists before any other is touched, and the old one stays open until the next has its name. */
  #rotate(): void {
    const { path, maxFiles, compress, onError } = this.#options;
    if (maxFiles <= 1) {
      ftruncateSync(this.#fd, 0);
    } else {
      const next = openNext(path);
      try {
        makeGap(path, maxFiles - 1);
        replaceCurrent(path);
      } catch (error) {
        closeSync(next);
        rmSync(temporaryName(path), { force: true });
        throw error;
      }
      closeSync(this.#fd);
      this.#fd = next;
      this.#inode = fstatSync(next).ino;
      if (compress) this.#compressing = compressFile(numberedName(path, 1)).catch(onError);
    }
    this.#size = 0;
  }
}

function openNext(path: string): number {
  // A writer that was killed may have left one.
  rmSync(temporaryName(path), { force: true });
  return openSync(temporaryName(path), "ax+", fileMode);
}

/**
 * Frees the name PATH.1 by shifting the numbered files, of which `last` are kept; of a single one the name is reused. A rotation that was interrupted has
 * left a gap: only the files before it are shifted, so that a second attempt does not discard another file.
 */
function makeGap(path: string, last: number): void {
  let gap = 1;
  while (gap < last && isThere(numberedName(path, gap))) gap++;
  for (let index = gap; index > 1; index--) shift(numberedName(path, index - 1), numberedName(path, index));
}

/** Renames a numbered file, compressed or not, over the one after it. */
function shift(from: string, to: string): void {
  rmSync(to, { force: true });
  rmSync(compressedName(to), { force: true });
  if (existsSync(from)) renameSync(from, to);
  if (existsSync(compressedName(from))) renameSync(compressedName(from), compressedName(to));
}

function isThere(path: string): boolean {
  return existsSync(path) || existsSync(compressedName(path));
}

/** Sets PATH aside as PATH.1, and gives its name to the next file. */
function replaceCurrent(path: string): void {
  const first = numberedName(path, 1);
  renameSync(path, first);
  try {
    renameSync(temporaryName(path), path);
  } catch (error) {
    renameSync(first, path);
    throw error;
  }
  rmSync(compressedName(first), { force: true });
}

function firstLine(lines: Buffer): number {
  return lines.indexOf(newline) + 1 || lines.length;
}

function truncate(fd: number, size: number): boolean {
  try {
    ftruncateSync(fd, size);
    return true;
  } catch {
    return false; // no regular file
  }
}

function writeOnce(fd: number, bytes: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, written) =>
      error ? reject(error) : resolve(written),
    );
  });
}
