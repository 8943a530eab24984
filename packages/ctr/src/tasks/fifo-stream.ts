import type { SessionItem, SessionStream } from "@gantry/cli/session";
import { FifoEnd } from "./fifo-end.ts";

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
  const readers = [fifos.stdout, fifos.stderr].flatMap((path) => (path === undefined ? [] : [FifoEnd.reader(path)]));
  const input = fifos.stdin === undefined ? undefined : FifoEnd.writer(fifos.stdin);
  return {
    items: merged(readers.map((reader) => reader.read())),
    exitCode: ended,
    async send(message, ...blobs) {
      for (const blob of blobs) await input?.write(blob);
      if (message.kind !== "closeStdin") return;
      input?.close();
      await closeStdin();
    },
    cancel() {
      for (const end of readers) end.close();
      input?.close();
    },
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
