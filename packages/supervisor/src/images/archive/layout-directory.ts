import { createReadStream, fstatSync, readFileSync } from "node:fs";
import { type Fd, isSystemError, type NativeSys, openDirectory, openFileInRoot } from "@gantry/native-sys";
import type { Ingest } from "../../content/ingest.ts";
import type { ContentStore } from "../../content/store.ts";
import { invalidArgument, notFound } from "../../errors.ts";
import { pieceBytes } from "../../piece-size.ts";
import { type ArchiveSource, maxDocumentBytes } from "./archive-source.ts";

/** An image layout's directory (image-spec image-layout.md). Its files are copied on request. */
export class LayoutDirectory implements ArchiveSource {
  readonly #native: NativeSys;
  readonly #content: ContentStore;
  readonly #path: string;
  readonly #root: Fd;
  readonly #ingests: Ingest[] = [];

  /** @throws RpcError NotFound, or InvalidArgument for a file */
  constructor(native: NativeSys, content: ContentStore, path: string) {
    this.#native = native;
    this.#content = content;
    this.#path = path;
    try {
      this.#root = openDirectory(native, path);
    } catch (error) {
      if (isSystemError(error, "ENOENT")) throw notFound(`no such directory: ${path}`);
      if (isSystemError(error, "ENOTDIR")) throw invalidArgument(`${path} is not a directory`);
      throw error;
    }
  }

  paths(): readonly string[] {
    return [];
  }

  has(path: string): boolean {
    using file = this.#open(path);
    return file !== undefined;
  }

  async file(path: string): Promise<Ingest> {
    using file = this.#required(path);
    const ingest = this.#content.ingest();
    this.#ingests.push(ingest);
    const bytes = createReadStream("", { fd: file.number, autoClose: false, highWaterMark: pieceBytes });
    for await (const chunk of bytes) ingest.write(chunk as Buffer);
    return ingest;
  }

  async document(path: string): Promise<Buffer> {
    using file = this.#required(path);
    if (fstatSync(file.number).size > maxDocumentBytes) throw invalidArgument(`${path} in ${this.#path} is too large`);
    return readFileSync(file.number);
  }

  [Symbol.dispose](): void {
    for (const ingest of this.#ingests) ingest.discard();
    this.#root[Symbol.dispose]();
  }

  #required(path: string): Fd {
    const file = this.#open(path);
    if (!file) throw invalidArgument(`${this.#path} lacks ${path}`);
    return file;
  }

  /** A regular file; links are resolved with the directory as their root. */
  #open(path: string): Fd | undefined {
    return openFileInRoot(this.#native, this.#root.number, path);
  }
}
