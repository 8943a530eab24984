import type { Transform } from "node:stream";
import { pieceBytes } from "../piece-size.ts";
import { type ProgramFormat, throughProgram } from "./decompress-program.ts";

export type Compression = "none" | "gzip" | "zstd" | ProgramFormat;

/** The bytes at a stream's start that `compressionOf` looks at. */
export const magicBytes = 10;

/** Detects the compression. @param head the first `magicBytes` bytes, or all that there are */
export function compressionOf(head: Uint8Array): Compression {
  const has = (at: number, ...bytes: number[]) => bytes.every((byte, index) => head[at + index] === byte);
  if (has(0, 0x1f, 0x8b)) return "gzip";
  if (has(0, 0x28, 0xb5, 0x2f, 0xfd) || isSkippableFrame(head)) return "zstd";
  if (has(0, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  return isBzip2(head) ? "bzip2" : "none";
}

/** RFC 8878, 3.1.2: pzstd begins with a frame that holds no data. */
function isSkippableFrame(head: Uint8Array): boolean {
  const [first = 0, ...others] = head.subarray(0, 4);
  return (first & 0xf0) === 0x50 && others.join() === "42,77,24";
}

/** "BZh", the level, and the mark of a block (pi), or of the end (its root) where there is none. */
function isBzip2(head: Uint8Array): boolean {
  return /^425a683[1-9](314159265359|177245385090)/.test(Buffer.from(head).toString("hex"));
}

/** Reads the first bytes of a stream; `all` yields the whole stream, with them. */
export async function peek(
  input: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ head: Buffer; all: AsyncIterable<Uint8Array> }> {
  const iterator = input[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let total = 0;
  while (total < length) {
    const next = await iterator.next();
    if (next.done) break;
    parts.push(next.value);
    total += next.value.length;
  }
  return { head: Buffer.concat(parts).subarray(0, length), all: resume(parts, iterator) };
}

async function* resume(first: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

/**
 * The uncompressed bytes of a stream in any of the known formats, or of a plain one: of all gzip members, or all zstd
 * frames, and zeros after the last member. gzip and zstd run in libuv's threads while the reader processes the piece
 * before.
 * @throws Error when the stream is damaged, or something else follows; for xz and bzip2 also when the host lacks them
 */
export async function* decompress(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { head, all } = await peek(input, magicBytes);
  const compression = compressionOf(head);
  if (compression === "none") for await (const chunk of all) yield asBuffer(chunk);
  else if (compression === "xz" || compression === "bzip2") yield* throughProgram(all, compression);
  else {
    // Loaded on use: a process that unpacks one uncompressed layer does not need it.
    const { createGunzip, createZstdDecompress } = await import("node:zlib");
    const transform =
      compression === "gzip"
        ? createGunzip({ chunkSize: pieceBytes })
        : createZstdDecompress({ chunkSize: pieceBytes });
    yield* through(all, transform as Decompressor, compression);
  }
}

/** A transform of node:zlib, which counts the bytes that it has taken. */
type Decompressor = Transform & { readonly bytesWritten: number };

async function* through(
  input: AsyncIterable<Uint8Array>,
  transform: Decompressor,
  name: string,
): AsyncGenerator<Buffer> {
  const feeding = feed(input, transform, name);
  // A failure of the source ends the iteration below, which throws it.
  feeding.catch((error: unknown) => transform.destroy(error as Error));
  try {
    for await (const chunk of transform) yield chunk as Buffer;
    await feeding;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!/^(Z_|ZSTD_|ERR_ZLIB|ERR_ZSTD)/.test(code)) throw error;
    throw new Error(`damaged ${name} data: ${(error as Error).message}`, { cause: error });
  } finally {
    transform.destroy();
    await feeding.catch(() => {});
  }
}

/** Writes a stream into a decompressor, one piece ahead; zlib takes nothing from zeros after the last member on. */
async function feed(input: AsyncIterable<Uint8Array>, transform: Decompressor, name: string): Promise<void> {
  const closed = new Promise<void>((resolve) => transform.once("close", resolve));
  let given = 0;
  let taking: Promise<void> = Promise.resolve();
  let last: Uint8Array = Buffer.alloc(0);
  const rest = () => last.subarray(last.length - (given - transform.bytesWritten));
  for await (const chunk of input) {
    await taking;
    if (transform.destroyed) return;
    if (transform.bytesWritten < given) {
      requireZeros(rest(), name);
      requireZeros(chunk, name);
      continue;
    }
    last = chunk;
    given += chunk.length;
    taking = Promise.race([closed, new Promise<void>((resolve) => transform.write(chunk, () => resolve()))]);
  }
  await taking;
  if (transform.destroyed) return;
  requireZeros(rest(), name);
  transform.end();
}

function requireZeros(rest: Uint8Array, name: string): void {
  if (rest.some((byte) => byte !== 0)) throw new Error(`damaged ${name} data: something follows its end`);
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
