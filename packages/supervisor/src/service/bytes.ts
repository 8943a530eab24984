import type { Message } from "@gantry/ipc";

/** The bytes that ride beside a stream's input. */
export async function* bytesOf(input: AsyncIterable<Message<unknown>>): AsyncGenerator<Uint8Array> {
  for await (const { blobs } of input) yield* blobs;
}
