import { readFile } from "node:fs/promises";
import type { Ingest } from "../../content/ingest.ts";
import type { ContentStore } from "../../content/store.ts";
import { invalidArgument, undo } from "../../errors.ts";
import { decompress } from "../../layers/decompress.ts";
import { insidePath } from "../../layers/tar-path.ts";
import { type TarEntry, TarReader, type TarSink } from "../../layers/tar-reader.ts";
import { type ArchiveSource, maxDocumentBytes } from "./archive-source.ts";

/** Longest chain of links. */
const maxLinks = 16;
/** More files than an image archive has. Refuses other tars before they use up the disk's inodes. */
const maxFiles = 5000;

/** The files of an archive, each in a temporary file with its digest, so that their order in the archive does not matter. */
export class Spool implements TarSink, ArchiveSource {
  readonly #content: ContentStore;
  readonly #files = new Map<string, Ingest>();
  readonly #links = new Map<string, string>();
  #current: Ingest | undefined;

  constructor(content: ContentStore) {
    this.#content = content;
  }

  /** Reads an archive, compressed or not. @throws Error when it is damaged */
  static async read(content: ContentStore, input: AsyncIterable<Uint8Array>): Promise<Spool> {
    const spool = new Spool(content);
    const reader = new TarReader(spool);
    try {
      for await (const chunk of decompress(input)) reader.push(chunk);
      reader.finish();
      return spool;
    } catch (error) {
      await undo(() => spool[Symbol.dispose]());
      throw error;
    }
  }

  entry(entry: TarEntry): void {
    const path = insidePath(entry.path, entry.path);
    if (entry.type === "file") {
      this.#files.get(path)?.discard();
      this.#current = this.#content.ingest();
      this.#files.set(path, this.#current);
      if (this.#files.size > maxFiles) throw invalidArgument(`not an image archive: it holds over ${maxFiles} files`);
    } else if (entry.type === "symlink") {
      const slash = path.lastIndexOf("/");
      this.#links.set(path, insidePath(`${path.slice(0, slash + 1)}${entry.linkPath}`, entry.path));
    } else if (entry.type === "link") this.#links.set(path, insidePath(entry.linkPath, entry.path));
  }

  data(chunk: Buffer): void {
    this.#current?.write(chunk);
  }

  entryEnd(): void {
    this.#current = undefined;
  }

  paths(): readonly string[] {
    return [...this.#files.keys(), ...this.#links.keys()];
  }

  has(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  async file(path: string): Promise<Ingest> {
    return this.#required(path);
  }

  async document(path: string): Promise<Buffer> {
    const file = this.#required(path);
    if (file.size > maxDocumentBytes) throw invalidArgument(`${path} in the archive is too large`);
    return await readFile(file.path);
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file.discard();
    this.#files.clear();
  }

  #required(path: string): Ingest {
    const file = this.#find(path);
    if (!file) throw invalidArgument(`the archive lacks ${path}`);
    return file;
  }

  #find(path: string): Ingest | undefined {
    let name: string | undefined = insidePath(path, path);
    for (let links = 0; name !== undefined && links < maxLinks; links++) {
      const file = this.#files.get(name);
      if (file) return file;
      name = this.#links.get(name);
    }
    return undefined;
  }
}
