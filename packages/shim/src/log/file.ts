import { close, closeSync, fstatSync, ftruncateSync, openSync, renameSync, write } from "node:fs";

const newline = 0x0a;
/** As Docker's: readable by the group, not by others. */
const fileMode = 0o640;

export interface RotationOptions {
  readonly path: string;
  /** Bytes after which the file is set aside; without it the file grows. */
  readonly maxSize?: number | undefined;
  /** Files kept, the current one included. */
  readonly maxFiles: number;
}

/** An append-only file of lines that becomes PATH.1, PATH.2, … as it grows. */
export class RotatedFile {
  readonly #options: RotationOptions;
  #fd: number;
  #size: number;

  /** @throws the system's error when the file cannot be opened */
  constructor(options: RotationOptions) {
    this.#options = options;
    this.#fd = openSync(options.path, "a", fileMode);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Appends whole lines; no line is split over two files. */
  async append(lines: Buffer): Promise<void> {
    const { maxSize } = this.#options;
    if (maxSize === undefined) return this.#write(lines);
    let rest = lines;
    while (rest.length > 0) {
      if (this.#size > 0 && this.#size + firstLine(rest) > maxSize) this.#rotate();
      const fit = maxSize - this.#size;
      const end = rest.length <= fit ? rest.length : Math.max(rest.lastIndexOf(newline, fit - 1) + 1, firstLine(rest));
      await this.#write(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  }

  close(): void {
    close(this.#fd, () => undefined);
    this.#fd = -1;
  }

  async #write(bytes: Buffer): Promise<void> {
    let offset = 0;
    while (offset < bytes.length) {
      const written = await writeOnce(this.#fd, bytes, offset);
      offset += written;
      this.#size += written;
    }
  }

  #rotate(): void {
    const { path, maxFiles } = this.#options;
    if (maxFiles <= 1) {
      ftruncateSync(this.#fd, 0);
    } else {
      for (let index = maxFiles - 1; index > 0; index--)
        renameIfThere(numbered(path, index - 1), numbered(path, index));
      const next = openSync(path, "a", fileMode);
      closeSync(this.#fd);
      this.#fd = next;
    }
    this.#size = 0;
  }
}

function numbered(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`;
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

function writeOnce(fd: number, bytes: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, written) =>
      error ? reject(error) : resolve(written),
    );
  });
}
