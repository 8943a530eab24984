import { createReadStream } from "node:fs";
import { pieceBytes } from "../piece-size.ts";

/** A whole layer in a file: an open descriptor at its start, which the reader closes it. */
export interface LayerFile {
  readonly fd: number;
}

/** A layer as a stream, or as a file. */
export type LayerSource = AsyncIterable<Uint8Array> | LayerFile;

export function isLayerFile(source: LayerSource): source is LayerFile {
  return "fd" in source;
}

/** Reads a descriptor to its end and closes it. */
export function readDescriptor(fd: number): AsyncIterable<Buffer> {
  return createReadStream("", { fd, highWaterMark: pieceBytes });
}

/** Passes a stream on. @param onRead called after each piece with the number of bytes so far */
export async function* counted(
  source: AsyncIterable<Uint8Array>,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const chunk of source) {
    yield chunk;
    read += chunk.length;
    onRead(read);
  }
}
