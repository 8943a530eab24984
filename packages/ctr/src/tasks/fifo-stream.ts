import { createReadStream, createWriteStream } from "node:fs";
import type { SessionItem, SessionStream } from "@gantry/cli/session";

/** Named pipes of a process, created by the supervisor. */
export interface Fifos {
  readonly stdin?: string | undefined;
  readonly stdout: string;
  readonly stderr?: string | undefined;
}

/** The process at the other end of the pipes. */
export interface FifoProcess {
  readonly ended: Promise<number>;
  /** The process reads end of file: the supervisor's side holds the pipe open. */
  closeStdin(): Promise<unknown>;
}

/** The streams of a process over its named pipes; its exit code comes from the supervisor. */
export function openFifos(fifos: Fifos, { ended, closeStdin }: FifoProcess): SessionStream {
  const readers = [
    createReadStream(fifos.stdout),
    ...(fifos.stderr === undefined ? [] : [createReadStream(fifos.stderr)]),
  ];
  const input = fifos.stdin === undefined ? undefined : createWriteStream(fifos.stdin);
  input?.on("error", () => {});
  const cancel = (): void => {
    for (const reader of readers) reader.destroy();
    input?.destroy();
  };
  return {
    items: merged(readers),
    exitCode: ended,
    async send(message, ...blobs) {
      if (message.kind === "closeStdin") {
        if (input) await new Promise<void>((resolve) => input.end(() => resolve()));
        await closeStdin();
      }
      for (const blob of blobs)
        if (input?.write(blob) === false) await new Promise((resolve) => input.once("drain", resolve));
    },
    cancel,
  };
}

async function* merged(readers: readonly AsyncIterable<Buffer>[]): AsyncGenerator<SessionItem> {
  const names = ["stdout", "stderr"] as const;
  const sources = readers.map((reader, at) => ({
    stream: names[at] ?? "stdout",
    next: reader[Symbol.asyncIterator](),
  }));
  const pending = new Map(sources.map((source) => [source, source.next.next().then((result) => ({ source, result }))]));
  while (pending.size > 0) {
    const { source, result } = await Promise.race(pending.values());
    if (result.done) {
      pending.delete(source);
      continue;
    }
    yield { value: { stream: source.stream }, blobs: [result.value] };
    pending.set(
      source,
      source.next.next().then((next) => ({ source, result: next })),
    );
  }
}
