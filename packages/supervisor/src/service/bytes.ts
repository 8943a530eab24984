import type { Message } from "@gantry/ipc";

/** The blobs of a stream's input. */
export async function* bytesOf(input: AsyncIterable<Message<unknown>>): AsyncGenerator<Uint8Array> {
  for await (const { blobs } of input) yield* blobs;
}
