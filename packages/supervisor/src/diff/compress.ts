import { promisify } from "node:util";
import { gzip, zstdCompress } from "node:zlib";

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

export type LayerCompression = "none" | "gzip" | "zstd";

/** Pieces that are compressed at the same time, by libuv's threads. */
const parallel = 4;

/**
 * Compresses pieces side by side, each as a member (RFC 1952, 2.2) or frame (RFC 8878, 3.1) of its own: any number of
 * them in a row is valid, and the bytes do not depend on how many threads there are.
 */
export async function* compress(pieces: AsyncIterable<Buffer>, as: LayerCompression): AsyncGenerator<Buffer> {
  if (as === "none") {
    yield* pieces;
    return;
  }
  const one = as === "gzip" ? (piece: Buffer) => gzipAsync(piece) : (piece: Buffer) => zstdAsync(piece);
  const running: Promise<Buffer>[] = [];
  try {
    for await (const piece of pieces) {
      // The source reuses the piece's buffer before the compression ends.
      running.push(one(Buffer.from(piece)));
      if (running.length >= parallel) yield await (running.shift() as Promise<Buffer>);
    }
    for (let next = running.shift(); next; next = running.shift()) yield await next;
  } finally {
    await Promise.allSettled(running);
  }
}
