import { ChangeWatcher } from "./change-watcher.ts";
import { EntryFilter, type LogOutput, type LogSelection } from "./entry-filter.ts";
import type { StreamName } from "./format.ts";
import { type LogFile, openLog, openNewer } from "./log-files.ts";
import { findTail } from "./tail.ts";

const chunkSize = 256 * 1024;
/** Text of one stream is sent together, up to about this size. */
const batchSize = 64 * 1024;
const newline = 0x0a;

export interface LogRequest extends LogSelection {
  readonly path: string;
  /** Number of lines to show from the end; undefined: all. */
  readonly tail: number | undefined;
  /** Follow the log until this resolves: nothing more will be written then. Undefined: read what it holds now. */
  readonly finished: Promise<void> | undefined;
  readonly signal: AbortSignal;
}

/** Writes some output; resolves when the reader can take more. */
export type LogSink = (stream: StreamName, text: string) => Promise<void>;

/** Reads a json-file log with its rotated parts (PATH.1 is older than PATH), and follows it on request. */
export async function readLog(request: LogRequest, sink: LogSink): Promise<void> {
  const watcher = request.finished ? new ChangeWatcher(request) : undefined;
  const output = new LineOutput(request, sink);
  let files: LogFile[] = [];
  try {
    files = await openLog(request.path);
    const handles = files.map(({ handle }) => handle);
    const start = request.tail === undefined ? { file: 0, offset: 0 } : await findTail(handles, request.tail);
    let reader: Reader | undefined;
    for (let index = start.file; index < files.length; index++) {
      reader = new Reader(files[index] as LogFile, index === start.file ? start.offset : 0);
      if (await reader.readOn(request, output)) return;
    }
    await output.flush();
    files = await closeAllBut(files, reader);
    if (watcher) await follow(request, { watcher, output, reader, files });
  } finally {
    watcher?.close();
    await closeAllBut(files, undefined);
  }
}

interface Following {
  readonly watcher: ChangeWatcher;
  readonly output: LineOutput;
  reader: Reader | undefined;
  /** All open files. */
  readonly files: LogFile[];
}

async function follow(request: LogRequest, state: Following): Promise<void> {
  const { watcher, output } = state;
  for (let last = false; !request.signal.aborted; ) {
    if (await readNew(request, state)) return;
    await output.flush();
    if (last) return;
    last = await watcher.next();
  }
}

/** Reads what was appended since, also over rotations: the old file to its end, then the newer ones. True at `until`. */
async function readNew(request: LogRequest, state: Following): Promise<boolean> {
  for (;;) {
    if (state.reader && (await state.reader.readOn(request, state.output))) return true;
    const newer = await openNewer(request.path, state.reader?.file);
    if (newer.length === 0) return false;
    // The old file may have grown between the reading and the look for newer ones.
    if (state.reader && (await state.reader.readOn(request, state.output))) return true;
    state.files.push(...newer);
    for (const file of newer) {
      state.reader = new Reader(file, 0);
      if (await state.reader.readOn(request, state.output)) return true;
    }
    state.files.splice(0, state.files.length, ...(await closeAllBut(state.files, state.reader)));
  }
}

/** @returns the files that stay open */
async function closeAllBut(files: readonly LogFile[], reader: Reader | undefined): Promise<LogFile[]> {
  const kept = files.filter((file) => file === reader?.file);
  const closing = files.filter((file) => file !== reader?.file);
  await Promise.all(closing.map((file) => file.close().catch(() => {})));
  return kept;
}

/** Lines of one file from an offset on. */
class Reader {
  readonly file: LogFile;
  #offset: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: LogFile, offset: number) {
    this.file = file;
    this.#offset = offset;
  }

  /** Reads to the present end of the file; true when `until` is reached. */
  async readOn(request: LogRequest, output: LineOutput): Promise<boolean> {
    if ((await this.file.handle.stat()).size < this.#offset) this.#restart();
    const chunk = Buffer.allocUnsafe(chunkSize);
    while (!request.signal.aborted) {
      const { bytesRead } = await this.file.handle.read(chunk, 0, chunkSize, this.#offset);
      if (bytesRead === 0) return false;
      this.#offset += bytesRead;
      if (await this.#lines(chunk.subarray(0, bytesRead), output)) return true;
    }
    return true;
  }

  /** The file was truncated: that is how a log of a single file is rotated. */
  #restart(): void {
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
  }

  async #lines(chunk: Buffer, output: LineOutput): Promise<boolean> {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      const isOver = output.add(bytes.subarray(start, end));
      if (isOver !== false && (await isOver)) return true;
      start = end + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(start));
    return false;
  }
}

/** Turns lines of the file into output, and joins consecutive output of one stream. */
class LineOutput {
  readonly #entries: EntryFilter;
  readonly #sink: LogSink;
  #stream: StreamName = "stdout";
  #parts: string[] = [];
  #size = 0;

  constructor(selection: LogSelection, sink: LogSink) {
    this.#entries = new EntryFilter(selection);
    this.#sink = sink;
  }

  /** @returns whether the line is later than `until`; a promise only where the sink has to be waited for */
  add(line: Buffer): boolean | Promise<boolean> {
    const entry = this.#entries.read(line);
    if (!entry) return false;
    if (entry.late || entry.stream !== this.#stream || this.#size >= batchSize) return this.#flushAndAdd(entry);
    this.#keep(entry);
    return false;
  }

  async #flushAndAdd(entry: LogOutput): Promise<boolean> {
    await this.flush();
    if (!entry.late) this.#keep(entry);
    return entry.late;
  }

  #keep({ stream, text }: LogOutput): void {
    this.#stream = stream;
    this.#parts.push(text);
    this.#size += text.length;
  }

  async flush(): Promise<void> {
    if (this.#parts.length === 0) return;
    const text = this.#parts.join("");
    this.#parts = [];
    this.#size = 0;
    await this.#sink(this.#stream, text);
  }
}
