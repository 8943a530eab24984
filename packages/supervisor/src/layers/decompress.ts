import type { Transform } from "node:stream";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pieceBytes } from "../piece-size.ts";

export type Compression = "none" | "gzip" | "zstd" | "xz";

/** Detects the compression. @param head at least the first six bytes */
export function compressionOf(head: Uint8Array): Compression {
  const startsWith = (...bytes: number[]) => bytes.every((byte, at) => head[at] === byte);
  if (startsWith(0x1f, 0x8b)) return "gzip";
  if (startsWith(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  return startsWith(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00) ? "xz" : "none";
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
 * The uncompressed bytes of a stream in any of the known formats, or of a plain one.
 * gzip and zstd run in libuv's threads while the reader processes the piece before.
 * @throws Error when the stream is damaged; for xz also when the host has no xz
 */
export async function* decompress(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { head, all } = await peek(input, 6);
  const compression = compressionOf(head);
  if (compression === "none") for await (const chunk of all) yield asBuffer(chunk);
  else if (compression === "xz") yield* throughXz(all);
  else {
    // Loaded on use: a process that unpacks one uncompressed layer does not need it.
    const { createGunzip, createZstdDecompress } = await import("node:zlib");
    const transform =
      compression === "gzip"
        ? createGunzip({ chunkSize: pieceBytes })
        : createZstdDecompress({ chunkSize: pieceBytes });
    yield* through(all, transform, compression);
  }
}

async function* through(input: AsyncIterable<Uint8Array>, transform: Transform, name: string): AsyncGenerator<Buffer> {
  const copying = pipeline(Readable.from(input, { objectMode: false }), transform);
  copying.catch(() => {}); // the iteration below throws the same error
  try {
    for await (const chunk of transform) yield chunk as Buffer;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!/^(Z_|ZSTD_|ERR_ZLIB|ERR_ZSTD)/.test(code)) throw error;
    throw new Error(`damaged ${name} data: ${(error as Error).message}`, { cause: error });
  }
  await copying;
}

async function* throughXz(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { spawn } = await import("node:child_process");
  const child = spawn("xz", ["-dc"], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) => reject(new Error("xz data cannot be read: the host has no xz", { cause })));
    child.once("close", resolve);
  });
  ended.catch(() => {});
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  pipeline(Readable.from(input, { objectMode: false }), child.stdin).catch(() => {});
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const status = await ended;
    if (status !== 0) throw new Error(`damaged xz data: ${stderr.trim() || `xz ended with status ${status}`}`);
  } finally {
    child.kill("SIGKILL");
  }
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
