import type { FileHandle } from "node:fs/promises";

const BLOCK = 64 * 1024;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const LETTER_N = 0x6e;
const AFTER_TEXT = Buffer.from('","stream":', "latin1");

/** Where reading starts: a file of the list, and an offset in it. */
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
      // The last entry ends a line even if the line may go on some day.
      if (isLast || endsLine(bytes)) ends += 1;
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

/** Entries of a file from its end to its beginning; one without its newline is none yet. */
async function* entriesBackwards(file: FileHandle): AsyncGenerator<EntryBytes> {
  const { size } = await file.stat();
  let rest = Buffer.alloc(0);
  for (let start = size; start > 0; ) {
    const from = Math.max(0, start - BLOCK);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(start - from), 0, start - from, from);
    const bytes = Buffer.concat([buffer.subarray(0, bytesRead), rest]);
    let end = bytes.lastIndexOf(NEWLINE);
    while (end > 0) {
      const before = bytes.lastIndexOf(NEWLINE, end - 1);
      if (before < 0 && from > 0) break;
      yield { bytes: bytes.subarray(before + 1, end), end: from + end + 1 };
      if (before < 0) return;
      end = before;
    }
    rest = bytes.subarray(0, end + 1);
    start = from;
  }
}

/** Whether an entry's text ends in a newline: `"log":"…\n","stream":…`. What is damaged counts as a line. */
function endsLine(entry: Buffer): boolean {
  const at = entry.indexOf(AFTER_TEXT);
  if (at < 0) return true;
  if (entry[at - 1] !== LETTER_N) return false;
  let backslashes = 0;
  while (entry[at - 2 - backslashes] === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}
