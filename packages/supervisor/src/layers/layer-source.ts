import { createReadStream } from "node:fs";

/** A whole layer in a file: an open descriptor at its start, which belongs to whoever reads it. */
export interface LayerFile {
  readonly fd: number;
}

/** A layer's bytes as they come, or all of them in a file. */
export type LayerSource = AsyncIterable<Uint8Array> | LayerFile;

export function isLayerFile(source: LayerSource): source is LayerFile {
  return "fd" in source;
}

/** Reads a descriptor to its end, in pieces so large that the hand-overs do not count, and closes it. */
export function readDescriptor(fd: number): AsyncIterable<Buffer> {
  return createReadStream("", { fd, highWaterMark: 512 << 10 });
}

/** Tells after each piece how many bytes have been taken. */
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
