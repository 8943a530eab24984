import type { InputOf, ItemOf, ReplyOf, RequestOf, StreamContext } from "@gantry/ipc";
import type { shimContract } from "@gantry/ipc/contracts/shim";
import type { Sink } from "../stdio/sink.ts";
import type { ContainerProcess } from "./process.ts";

/** As a log's in non-blocking mode. */
const defaultBufferSize = 1024 * 1024;

type Attach = (typeof shimContract.methods)["attach"];
type AttachContext = StreamContext<ItemOf<Attach>, InputOf<Attach>>;

/**
 * Connects a client to a process until the process has ended and its output is sent, or the client is gone.
 * The sinks are in place when this returns its promise: a start that follows loses nothing.
 */
export async function attach(
  target: ContainerProcess,
  request: RequestOf<Attach>,
  context: AttachContext,
): Promise<ReplyOf<Attach>> {
  const gone = new Promise<void>((resolve) => {
    if (context.signal.aborted) resolve();
    else context.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const buffer =
    request.mode === "non-blocking" ? new DroppingBuffer(request.maxBufferSize ?? defaultBufferSize) : undefined;
  const stdout = clientSink("stdout", context, buffer);
  const stderr = clientSink("stderr", context, buffer);
  if (request.stdout) target.stdio.stdout.add(stdout);
  if (request.stderr) target.stdio.stderr.add(stderr);
  copyInput(target, request.stdin, context).catch(() => undefined); // the client has disconnected, which `gone` reports
  try {
    const exit = await Promise.race([target.finished(), gone]);
    return exit ? { exitStatus: exit.exitStatus } : {};
  } finally {
    target.stdio.stdout.remove(stdout);
    target.stdio.stderr.remove(stderr);
  }
}

/** Output to a client: the process waits for the client's credit, or with a buffer never waits. */
function clientSink(stream: "stdout" | "stderr", context: AttachContext, buffer: DroppingBuffer | undefined): Sink {
  const send = (chunk: Buffer) => context.send({ stream }, Buffer.from(chunk));
  const write = buffer ? (chunk: Buffer) => buffer.send(chunk.length, () => send(chunk)) : send;
  return { write, end: () => undefined };
}

/** Limits the bytes that wait for a client that must not slow the process: output beyond the limit is dropped. */
class DroppingBuffer {
  readonly #size: number;
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  send(bytes: number, send: () => Promise<void>): undefined {
    if (this.#used > 0 && this.#used + bytes > this.#size) return undefined;
    this.#used += bytes;
    const release = () => {
      this.#used -= bytes;
    };
    send().then(release, release);
    return undefined;
  }
}

async function copyInput(target: ContainerProcess, sendsStdin: boolean, context: AttachContext): Promise<void> {
  try {
    for await (const { value, blobs } of context.input) {
      if (value.kind === "resize") target.stdio.resize(value.width, value.height);
      else if (!sendsStdin) continue;
      else if (value.kind === "closeStdin") target.stdio.closeInput();
      else for (const bytes of blobs) await target.stdio.write(bytes);
    }
  } finally {
    if (sendsStdin) target.stdio.inputEnded();
  }
}
