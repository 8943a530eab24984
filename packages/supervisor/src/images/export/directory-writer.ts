import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ArchiveWriter } from "./archive-writer.ts";

/** Writes the files of an archive into an existing directory. */
export class DirectoryWriter implements ArchiveWriter {
  readonly #root: string;
  #size = 0;

  constructor(root: string) {
    this.#root = root;
  }

  async directory(path: string): Promise<void> {
    await mkdir(join(this.#root, path), { mode: 0o755 });
  }

  async file(path: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    this.#size += size;
    const to = createWriteStream(join(this.#root, path), { flags: "wx", mode: 0o644, flush: true });
    await pipeline(Readable.from(bytes, { objectMode: false }), to);
  }

  async end(): Promise<number> {
    return this.#size;
  }
}
