import type { FileHandle } from "node:fs/promises";
import { endsLine, parseEntry } from "./format.ts";

const blockSize = 64 * 1024;
const newline = 0x0a;

/** The place where reading starts: a file of the list, and an offset in it. */
export interface Start {
  readonly file: number;
  readonly offset: number;
}

/**
 * Finds where the last `lines` lines of some files (oldest first) begin, reading from the end. A long line that the
 * log holds in several entries counts once.
 */
export async function findTail(files: readonly FileHandle[], lines: number): Promise<Start> {
  let ends = 0;
  let isLast = true;
  for (let file = files.length - 1; file >= 0; file--) {
    for await (const { bytes, end } of entriesBackwards(files[file] as FileHandle)) {
      // The last entry ends a line even if the line is not complete yet.
      if (isLast || entryEndsLine(bytes)) ends += 1;
      isLast = false;
      if (ends > lines) return { file, offset: end };
    }
  }
  return { file: 0, offset: 0 };
}

interface EntryBytes {
  readonly bytes: Buffer;
  /** Offset after its newline. */
  readonly end: number;
}

/** Entries of a file from its end to its beginning; a line without its newline is not complete yet. */
async function* entriesBackwards(file: FileHandle): AsyncGenerator<EntryBytes> {
  const { size } = await file.stat();
  let rest = Buffer.alloc(0);
  for (let start = size; start > 0; ) {
    const from = Math.max(0, start - blockSize);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(start - from), 0, start - from, from);
    const bytes = Buffer.concat([buffer.subarray(0, bytesRead), rest]);
    let end = bytes.lastIndexOf(newline);
    while (end > 0) {
      const before = bytes.lastIndexOf(newline, end - 1);
      if (before < 0 && from > 0) break;
      yield { bytes: bytes.subarray(before + 1, end), end: from + end + 1 };
      if (before < 0) return;
      end = before;
    }
    rest = bytes.subarray(0, end + 1);
    start = from;
  }
}

/** Whether an entry ends a line of output; a damaged one counts as a line. */
function entryEndsLine(entry: Buffer): boolean {
  const text = parseEntry(entry)?.log;
  return text === undefined || endsLine(text);
}
