import { EntryReader, type LogOutput, type LogSelection } from "./entry.ts";
import { type LogFile, openLog, openNewer } from "./files.ts";
import { findTail } from "./tail.ts";
import { Watching } from "./watching.ts";

const CHUNK = 256 * 1024;
/** Text of one stream is sent together, up to about this size. */
const BATCH = 64 * 1024;
const NEWLINE = 0x0a;

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
  const output = new LineOutput(request, sink);
  let files = await openLog(request.path);
  try {
    const handles = files.map(({ handle }) => handle);
    const start = request.tail === undefined ? { file: 0, offset: 0 } : await findTail(handles, request.tail);
    let reader: Reader | undefined;
    for (let index = start.file; index < files.length; index++) {
      reader = new Reader(files[index] as LogFile, index === start.file ? start.offset : 0);
      if (await reader.readOn(request, output)) return;
    }
    await output.flush();
    files = await closeAllBut(files, reader);
    if (watching) await follow(request, { watching, output, reader, files });
  } finally {
    watching?.close();
    await closeAllBut(files, undefined);
  }
}

interface Following {
  readonly watching: Watching;
  readonly output: LineOutput;
  reader: Reader | undefined;
  /** Those that are open, to be closed in the end. */
  readonly files: LogFile[];
}

async function follow(request: LogRequest, state: Following): Promise<void> {
  const { watching, output } = state;
  for (let last = false; !request.signal.aborted; ) {
    if (await readNew(request, state)) return;
    await output.flush();
    if (last) return;
    last = await watching.next();
  }
}

/** Reads what has come since, also over rotations: the old file to its end, then what followed. True at `until`. */
async function readNew(request: LogRequest, state: Following): Promise<boolean> {
  for (;;) {
    if (state.reader && (await state.reader.readOn(request, state.output))) return true;
    const newer = await openNewer(request.path, state.reader?.file);
    if (newer.length === 0) return false;
    // Between the reading and the looking more may have come into the old file.
    if (state.reader && (await state.reader.readOn(request, state.output))) return true;
    state.files.push(...newer);
    for (const file of newer) {
      state.reader = new Reader(file, 0);
      if (await state.reader.readOn(request, state.output)) return true;
    }
    state.files.splice(0, state.files.length, ...(await closeAllBut(state.files, state.reader)));
  }
}

/** @returns what stays open */
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

  /** Reads to the present end of the file; true when the log has come to `until`. */
  async readOn(request: LogRequest, output: LineOutput): Promise<boolean> {
    if ((await this.file.handle.stat()).size < this.#offset) this.#restart();
    const chunk = Buffer.allocUnsafe(CHUNK);
    while (!request.signal.aborted) {
      const { bytesRead } = await this.file.handle.read(chunk, 0, CHUNK, this.#offset);
      if (bytesRead === 0) return false;
      this.#offset += bytesRead;
      if (await this.#lines(chunk.subarray(0, bytesRead), output)) return true;
    }
    return true;
  }

  /** The file was emptied: with one file kept, that is what a rotation does. */
  #restart(): void {
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
  }

  async #lines(chunk: Buffer, output: LineOutput): Promise<boolean> {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const isOver = output.add(bytes.subarray(start, end));
      if (isOver !== false && (await isOver)) return true;
      start = end + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(start));
    return false;
  }
}

/** Turns lines of the file into text, and puts that of the same stream together. */
class LineOutput {
  readonly #entries: EntryReader;
  readonly #sink: LogSink;
  #stream: "stdout" | "stderr" = "stdout";
  #parts: string[] = [];
  #size = 0;

  constructor(selection: LogSelection, sink: LogSink) {
    this.#entries = new EntryReader(selection);
    this.#sink = sink;
  }

  /** @returns whether this and all that follows is later than what is wanted; a promise only when there is to wait */
  add(line: Buffer): boolean | Promise<boolean> {
    const entry = this.#entries.read(line);
    if (!entry) return false;
    if (entry.late || entry.stream !== this.#stream || this.#size >= BATCH) return this.#flushAndAdd(entry);
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
