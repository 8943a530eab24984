import { createReadStream, promises as fs } from "node:fs";
import { fileProblem } from "./file-problem.ts";

/** Several chunks fit into the window of a stream, so that none waits for the previous one. */
const chunkBytes = 256 << 10;

/** A stream that accepts a file's bytes. */
export interface Sink {
  send(input: Record<string, never>, ...blobs: Uint8Array[]): Promise<void>;
  end(): void;
  cancel(): void;
}

/** Opens the source of an archive: a file, or standard input without a name. @throws Error */
export async function openSource(path: string | undefined): Promise<AsyncIterable<Uint8Array>> {
  if (path === undefined) return createReadStream("", { fd: 0, highWaterMark: chunkBytes, autoClose: false });
  try {
    const file = await fs.open(path);
    if ((await file.stat()).isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    return file.createReadStream({ highWaterMark: chunkBytes });
  } catch (error) {
    throw new Error(`open ${path}: ${fileProblem(error)}`);
  }
}

/** Sends all of a source's bytes. A failure at the other end is in the stream's result. @throws Error of the source */
export async function upload(stream: Sink, source: AsyncIterable<Uint8Array>): Promise<void> {
  let gone = false;
  try {
    for await (const chunk of source) {
      await stream.send({}, chunk).catch(() => {
        gone = true;
      });
      if (gone) return;
    }
    stream.end();
  } catch (error) {
    stream.cancel();
    throw error;
  }
}
