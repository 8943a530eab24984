import type { ImageDescriptor } from "@gantry/oci-spec";
import { invalidArgument } from "../../errors.ts";
import { requestFailure } from "./failure.ts";
import type { HttpResponse } from "./http.ts";
import { TransientError } from "./retry.ts";

/** Receives a blob's bytes in order. */
export interface BlobSink {
  /** Bytes received so far, from where the next request continues. */
  readonly size: number;
  write(chunk: Buffer): void | Promise<void>;
}

export interface BodyOptions {
  readonly host: string;
  readonly descriptor: ImageDescriptor;
  readonly sink: BlobSink;
  readonly signal: AbortSignal;
  /** Called when bytes have arrived. */
  readonly advanced: () => void;
}

/** Reads the rest of a blob (RFC 9110, 14.2), and checks its size. */
export async function readBody(
  ask: (headers: Record<string, string>) => Promise<HttpResponse>,
  options: BodyOptions,
): Promise<void> {
  const { host, descriptor, sink, signal, advanced } = options;
  const { digest, size } = descriptor;
  const start = sink.size;
  if (start === size && size > 0) return;
  const response = await ask(start > 0 ? { range: `bytes=${start}-` } : {});
  let skip = start - firstByte(response, start);
  if (skip < 0) throw new TransientError(`${host} continues at another offset than requested`);
  const taken: { failure?: unknown } = {};
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      const rest = skip > 0 ? chunk.subarray(skip) : chunk;
      skip = Math.max(0, skip - chunk.length);
      if (rest.length === 0) continue;
      if (sink.size + rest.length > size) throw wrongSize(digest, size, "more");
      try {
        const pending = sink.write(rest);
        if (pending) await pending;
      } catch (error) {
        taken.failure = error;
        throw error;
      }
      advanced();
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (taken.failure !== undefined) throw error; // a full disk is not the registry's fault
    throw requestFailure(error, host);
  }
  if (sink.size < size) throw new TransientError(`the connection to ${host} was cut`);
}

/** Offset of the first byte: a server without ranges sends the whole body. */
function firstByte({ status, headers }: HttpResponse, requested: number): number {
  if (status !== 206) return 0;
  return Number(/^bytes (\d+)-/.exec(headers["content-range"] ?? "")?.[1] ?? requested);
}

function wrongSize(digest: string, size: number, actual: string): Error {
  return invalidArgument(`wrong size of ${digest}: it should have ${size} bytes and has ${actual}`);
}
