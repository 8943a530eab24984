import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { type LogOutput, type LogSelection, readEntry } from "./entry.ts";
import { findTail } from "./tail.ts";

const CHUNK = 256 * 1024;
/** Text of one stream is sent together, up to about this size. */
const BATCH = 64 * 1024;
const NEWLINE = 0x0a;
/** A file system may keep quiet about a change (a network's, an overlay's): the log is looked at anyway. */
const LOOK_ANYWAY_MS = 1000;

export interface LogRequest extends LogSelection {
  readonly path: string;
  /** Last so many lines; undefined: all. */
  readonly tail: number | undefined;
  /** Resolves when nothing will be written any more; undefined: what is there now is all that is wanted. */
  readonly finished: Promise<void> | undefined;
  readonly signal: AbortSignal;
}

/** Writes some output; resolves when there is room for more. */
export type LogSink = (stream: "stdout" | "stderr", text: string) => Promise<void>;

/** Reads a json-file log with its rotated parts (PATH.1 is older than PATH), and then follows it where that is wanted. */
export async function readLog(request: LogRequest, sink: LogSink): Promise<void> {
  const watching = request.finished ? new Watching(request) : undefined;
  const files = await openAll(request.path);
  try {
    const start = request.tail === undefined ? { file: 0, offset: 0 } : await findTail(files, request.tail);
    const batch = new Batch(sink);
    let reader: Reader | undefined;
    for (let index = start.file; index < files.length; index++) {
      reader = new Reader(files[index] as FileHandle, index === start.file ? start.offset : 0);
      if (await reader.readOn(request, batch)) return;
    }
    await batch.flush();
    if (watching) await follow(request, { watching, batch, reader, files });
  } finally {
    watching?.close();
    await Promise.all(files.map((file) => file.close().catch(() => {})));
  }
}

interface Following {
  readonly watching: Watching;
  readonly batch: Batch;
  reader: Reader | undefined;
  /** All that are open, to be closed in the end. */
  readonly files: FileHandle[];
}

async function follow(request: LogRequest, state: Following): Promise<void> {
  const { watching, batch } = state;
  for (let last = false; !request.signal.aborted; ) {
    if (await readNew(request, state)) return;
    await batch.flush();
    if (last) return;
    last = await watching.next();
  }
}

/** Reads what has come since, also over a rotation: the old file to its end, then the new one. True at `until`. */
async function readNew(request: LogRequest, state: Following): Promise<boolean> {
  for (;;) {
    if (state.reader && (await state.reader.readOn(request, state.batch))) return true;
    const current = await open(request.path, "r").catch(() => undefined);
    if (!current) return false;
    if (state.reader && (await state.reader.isSame(current))) {
      await current.close();
      return false;
    }
    state.files.push(current);
    state.reader = new Reader(current, 0);
  }
}

async function openAll(path: string): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  for (let index = 0; ; index++) {
    const file = await open(index === 0 ? path : `${path}.${index}`, "r").catch(() => undefined);
    if (!file) return files;
    files.unshift(file);
  }
}

/** Lines of one file from an offset on. */
class Reader {
  readonly #file: FileHandle;
  #offset: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  /** Reads to the present end of the file; true when the log has come to `until`. */
  async readOn(request: LogRequest, batch: Batch): Promise<boolean> {
    if ((await this.#file.stat()).size < this.#offset) this.#restart();
    const chunk = Buffer.allocUnsafe(CHUNK);
    while (!request.signal.aborted) {
      const { bytesRead } = await this.#file.read(chunk, 0, CHUNK, this.#offset);
      if (bytesRead === 0) return false;
      this.#offset += bytesRead;
      if (await this.#lines(chunk.subarray(0, bytesRead), request, batch)) return true;
    }
    return true;
  }

  async isSame(other: FileHandle): Promise<boolean> {
    const [own, theirs] = await Promise.all([this.#file.stat(), other.stat()]);
    return own.ino === theirs.ino && own.dev === theirs.dev;
  }

  /** The file was emptied: with one file kept, that is what a rotation does. */
  #restart(): void {
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
  }

  async #lines(chunk: Buffer, request: LogRequest, batch: Batch): Promise<boolean> {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const entry = readEntry(bytes.subarray(start, end), request);
      start = end + 1;
      if (entry?.late) {
        await batch.flush();
        return true;
      }
      if (entry) await batch.add(entry);
    }
    this.#rest = Buffer.from(bytes.subarray(start));
    return false;
  }
}

/** Puts lines of the same stream together. */
class Batch {
  readonly #sink: LogSink;
  #stream: "stdout" | "stderr" = "stdout";
  #parts: string[] = [];
  #size = 0;

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  async add({ stream, text }: LogOutput): Promise<void> {
    if (stream !== this.#stream) await this.flush();
    this.#stream = stream;
    this.#parts.push(text);
    this.#size += text.length;
    if (this.#size >= BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#parts.length === 0) return;
    const text = this.#parts.join("");
    this.#parts = [];
    this.#size = 0;
    await this.#sink(this.#stream, text);
  }
}

/** Tells when a log may have grown. */
class Watching {
  #wake: () => void = () => {};
  #changed = false;
  #finished = false;
  readonly #watcher: FSWatcher | undefined;

  constructor(request: LogRequest) {
    const change = () => {
      this.#changed = true;
      this.#wake();
    };
    try {
      this.#watcher = watch(dirname(request.path), change);
      this.#watcher.on("error", () => {});
    } catch {
      // The directory is gone, or there are too many watches: the timer does it.
    }
    request.signal.addEventListener("abort", change, { once: true });
    request.finished?.then(() => {
      this.#finished = true;
      this.#wake();
    });
  }

  /** Waits for a change; true when it is the last one. */
  async next(): Promise<boolean> {
    if (!this.#changed && !this.#finished) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_ANYWAY_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = () => {};
    this.#changed = false;
    return this.#finished;
  }

  close(): void {
    this.#watcher?.close();
  }
}
