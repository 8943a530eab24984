import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { compressedName, temporaryName } from "./file-names.ts";

/** Replaces a file that is no longer written to by its gzip twin. At every moment at least one of the two exists. */
export async function compressFile(path: string): Promise<void> {
  const { createGzip } = await import("node:zlib");
  const target = compressedName(path);
  const temporary = temporaryName(target);
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(temporary, { mode: 0o640 }));
    await rename(temporary, target);
    await rm(path, { force: true });
  } catch (error) {
    await rm(temporary, { force: true });
    throw new Error(`compressing ${path}: ${(error as Error).message}`, { cause: error });
  }
}
