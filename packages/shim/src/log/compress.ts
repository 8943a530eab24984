import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

/** Makes PATH.gz of a file that nobody writes to any more. Whoever reads meanwhile finds at least one of the two. */
export async function compressFile(path: string): Promise<void> {
  const { createGzip } = await import("node:zlib");
  const temporary = `${path}.gz.new`;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(temporary, { mode: 0o640 }));
    await rename(temporary, `${path}.gz`);
    await rm(path, { force: true });
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
