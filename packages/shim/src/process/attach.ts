import type { InputOf, ItemOf, ReplyOf, RequestOf, StreamContext } from "@gantry/ipc";
import type { shimContract } from "@gantry/ipc/contracts/shim";
import type { Sink } from "../stdio/sink.ts";
import type { ContainerProcess } from "./process.ts";

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
  const stdout = clientSink("stdout", context);
  const stderr = clientSink("stderr", context);
  if (request.stdout) target.stdio.stdout.add(stdout);
  if (request.stderr) target.stdio.stderr.add(stderr);
  copyInput(target, request.stdin, context).catch(() => undefined); // the client is gone: `gone` tells
  try {
    const exit = await Promise.race([target.finished(), gone]);
    return exit ? { exitStatus: exit.exitStatus } : {};
  } finally {
    target.stdio.stdout.remove(stdout);
    target.stdio.stderr.remove(stderr);
  }
}

/** Output to a client: its credit is the room. */
function clientSink(stream: "stdout" | "stderr", context: AttachContext): Sink {
  return { write: (chunk) => context.send({ stream }, Buffer.from(chunk)), end: () => undefined };
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
