import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, rmSync, write, writeSync } from "node:fs";
import { compressFile } from "./compress.ts";

const newline = 0x0a;
/** As Docker's: readable by the group, not by others. */
const fileMode = 0o640;

export interface RotationOptions {
  readonly path: string;
  /** Bytes after which the file is set aside; without it the file grows. */
  readonly maxSize?: number | undefined;
  /** Files kept, the current one included. */
  readonly maxFiles: number;
  /** Files that were set aside are compressed: PATH.1.gz and so on. */
  readonly compress?: boolean | undefined;
  /** Told when a file could not be compressed; it stays as it is. */
  readonly onError: (error: Error) => void;
}

/** An append-only file of lines that becomes PATH.1, PATH.2, … as it grows. */
export class RotatedFile {
  readonly #options: RotationOptions;
  #fd: number;
  #size: number;
  #compressing: Promise<void> | undefined;

  /** @throws the system's error when the file cannot be opened */
  constructor(options: RotationOptions) {
    this.#options = options;
    this.#fd = openSync(options.path, "a+", fileMode);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Ends a line that whoever wrote here before was killed in, so that the next one does not become part of it. */
  endLastLine(): void {
    if (this.#size === 0) return;
    const last = Buffer.alloc(1);
    if (readSync(this.#fd, last, 0, 1, this.#size - 1) !== 1 || last[0] === newline) return;
    this.#size += writeSync(this.#fd, "\n");
  }

  /** Appends whole lines; no line is split over two files. */
  async append(lines: Buffer): Promise<void> {
    const { maxSize } = this.#options;
    if (maxSize === undefined) return this.#write(lines);
    let rest = lines;
    while (rest.length > 0) {
      if (this.#size > 0 && this.#size + firstLine(rest) > maxSize) await this.#rotate();
      const fit = maxSize - this.#size;
      const end = rest.length <= fit ? rest.length : Math.max(rest.lastIndexOf(newline, fit - 1) + 1, firstLine(rest));
      await this.#write(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  }

  /** Closes the file, once what was set aside is compressed. */
  async close(): Promise<void> {
    closeSync(this.#fd);
    this.#fd = -1;
    await this.#compressing;
  }

  /** What finds no room is lost, and half a line with it. */
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

  async #rotate(): Promise<void> {
    const { path, maxFiles, compress, onError } = this.#options;
    await this.#compressing;
    if (maxFiles <= 1) {
      ftruncateSync(this.#fd, 0);
    } else {
      for (let index = maxFiles - 1; index > 0; index--) shift(path, index);
      const next = openSync(path, "a+", fileMode);
      closeSync(this.#fd);
      this.#fd = next;
      if (compress) this.#compressing = compressFile(`${path}.1`).catch(onError);
    }
    this.#size = 0;
  }
}

/** Makes a numbered file of the one before it, be that compressed or not. */
function shift(path: string, index: number): void {
  const [from, to] = [index === 1 ? path : `${path}.${index - 1}`, `${path}.${index}`];
  for (const suffix of ["", ".gz"]) rmSync(`${to}${suffix}`, { force: true });
  renameIfThere(from, to);
  if (index > 1) renameIfThere(`${from}.gz`, `${to}.gz`);
}

function firstLine(lines: Buffer): number {
  return lines.indexOf(newline) + 1 || lines.length;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
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
