import type { ArchiveWriter } from "./archive-writer.ts";

const blockSize = 512;
const maxName = 100;

/**
 * Writes a tar (POSIX pax, "ustar Interchange Format") of files and directories that belong to root and date from 1970,
 * so that equal files give equal bytes.
 */
export class TarWriter implements ArchiveWriter {
  readonly #send: (...parts: Uint8Array[]) => Promise<void>;
  #size = 0;

  /** @param send receives bytes that do not change afterwards; resolves when it can take more */
  constructor(send: (...parts: Uint8Array[]) => Promise<void>) {
    this.#send = send;
  }

  async directory(path: string): Promise<void> {
    await this.#write(headerOf(`${path}/`, "5", 0o755, 0));
  }

  async file(path: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    let head: Buffer | undefined = headerOf(path, "0", 0o644, size);
    let written = 0;
    for await (const chunk of bytes) {
      written += chunk.length;
      // A header is sent with the content that follows it.
      if (head) await this.#write(head, chunk);
      else await this.#write(chunk);
      head = undefined;
    }
    if (written !== size) throw new Error(`${path} has ${written} bytes instead of ${size}`);
    const padding = Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
    if (head) await this.#write(head);
    if (padding.length > 0) await this.#write(padding);
  }

  async end(): Promise<number> {
    await this.#write(Buffer.alloc(2 * blockSize));
    return this.#size;
  }

  async #write(...parts: Uint8Array[]): Promise<void> {
    for (const { length } of parts) this.#size += length;
    await this.#send(...parts);
  }
}

function headerOf(path: string, type: string, mode: number, size: number): Buffer {
  if (path.length <= maxName && size < 8 ** 11) return header(path, type, mode, size);
  // Values that do not fit into a ustar header go into an extended one before it.
  const records = Buffer.from(record("path", path) + record("size", String(size)));
  const body = Buffer.alloc(Math.ceil(records.length / blockSize) * blockSize);
  records.copy(body);
  const short = path.slice(0, maxName);
  return Buffer.concat([header(short, "x", 0o644, records.length), body, header(short, type, mode, size % 8 ** 11)]);
}

/** "LENGTH KEY=VALUE\n", the length counting itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function header(path: string, type: string, mode: number, size: number): Buffer {
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  block.write(path, 0, "latin1");
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.fill(0x20, 148, 156);
  block.write(type, 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
