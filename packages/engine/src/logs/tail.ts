import type { FileHandle } from "node:fs/promises";

const BLOCK = 64 * 1024;
const NEWLINE = 0x0a;

/** Where reading starts: a file of the list, and an offset in it. */
export interface Start {
  readonly file: number;
  readonly offset: number;
}

/** Finds where the last `lines` lines of some files (oldest first) begin, reading from the end. */
export async function findTail(files: readonly FileHandle[], lines: number): Promise<Start> {
  if (lines === 0) {
    const last = files.length - 1;
    return { file: Math.max(0, last), offset: (await files[last]?.stat())?.size ?? 0 };
  }
  let missing = lines;
  for (let file = files.length - 1; file >= 0; file--) {
    const found = await lastLines(files[file] as FileHandle, missing);
    if (found.count >= missing) return { file, offset: found.offset };
    missing -= found.count;
  }
  return { file: 0, offset: 0 };
}

/** How many lines a file's end holds, up to `wanted`, and where the first of them begins. */
async function lastLines(file: FileHandle, wanted: number): Promise<{ count: number; offset: number }> {
  const { size } = await file.stat();
  const block = Buffer.allocUnsafe(BLOCK);
  let ends = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - BLOCK);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      if (block[at] !== NEWLINE) continue;
      ends++;
      // Each line ends in a newline, so the one before the wanted lines is one more.
      if (ends === wanted + 1) return { count: wanted, offset: start + at + 1 };
    }
    end = start;
  }
  return { count: ends, offset: 0 };
}
