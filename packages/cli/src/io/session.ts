import { DetachFilter } from "./detach-keys.ts";
import type { Log } from "./log.ts";
import type { Output } from "./output.ts";
import { forwardSignals, onTermination, signalExitCode } from "./signals.ts";
import { rawMode, type TerminalSize, terminalSize } from "./terminal.ts";

/** Input of an attached client. */
export type SessionInput = { kind: "stdin" } | { kind: "closeStdin" } | { kind: "detach" };

/** The output and log of the program that shows a session. */
export interface SessionHost {
  readonly out: Output;
  readonly log: Log;
}

/** Output of a process, with its bytes; other items are ignored. */
export interface SessionItem {
  readonly value: { readonly stream: "stdout" | "stderr" } | { readonly attached: true };
  readonly blobs: readonly Uint8Array[];
}

/** An open stream to a container's process: attach or exec. */
export interface SessionStream {
  readonly items: AsyncIterable<SessionItem>;
  /** Settles when the stream has ended; undefined where it does not carry the process's exit code. */
  readonly exitCode: Promise<number | undefined>;
  send(input: SessionInput, ...blobs: Uint8Array[]): Promise<void>;
  cancel(): void;
}

export interface SessionOptions {
  readonly tty: boolean;
  readonly stdin: boolean;
  /** There is no output: the session ends with the input. */
  readonly inputOnly?: boolean;
  /** Bytes; empty: detaching is not possible. */
  readonly detachKeys: Uint8Array;
  /** Forwards signals. Without it a signal that ends this program restores the terminal first. */
  readonly kill?: (signal: NodeJS.Signals) => Promise<unknown>;
  readonly resize: (size: TerminalSize) => Promise<unknown>;
}

/** How a session ended: its process exited, the user detached, or a signal ended this program. */
export type SessionEnd =
  | { readonly kind: "ended"; readonly exitCode: number | undefined }
  | { readonly kind: "detached" }
  | { readonly kind: "signalled"; readonly exitCode: number };

/** A running session. */
export interface Session {
  readonly end: Promise<SessionEnd>;
  /** Restores the terminal and stops listening; may be called twice. */
  close(): void;
}

/** Connects this process's streams, signals and terminal with a process in a container. */
export function startSession(host: SessionHost, stream: SessionStream, options: SessionOptions): Session {
  const undo: (() => void)[] = [];
  const detachedEnd = Promise.withResolvers<SessionEnd>();
  const quietly = (work: Promise<unknown>): void => {
    work.catch((error: Error) => host.log.debug(error.message));
  };
  if (options.tty) {
    undo.push(followSize((size) => quietly(options.resize(size))));
    if (options.stdin) undo.push(rawMode());
    if (options.stdin && !options.kill) {
      undo.push(
        onTermination((signal) => detachedEnd.resolve({ kind: "signalled", exitCode: signalExitCode(signal) })),
      );
    }
  }
  const { kill } = options;
  if (kill) {
    undo.push(
      forwardSignals((signal) => {
        // The resize of the container's terminal already signals it.
        if (!options.tty || signal !== "SIGWINCH") quietly(kill(signal));
      }),
    );
  }
  if (options.stdin)
    copyInput(stream, options).then(
      (detached) => (detached || options.inputOnly) && detachedEnd.resolve({ kind: "detached" }),
      detachedEnd.reject,
    );
  const ended = copyOutput(host, stream).then(
    async (): Promise<SessionEnd> => ({ kind: "ended", exitCode: await stream.exitCode }),
  );
  // Only the race handles a failure.
  stream.exitCode.catch(() => {});
  const close = (): void => {
    for (const step of undo.splice(0).reverse()) step();
  };
  return { end: Promise.race([detachedEnd.promise, ended]).finally(close), close };
}

async function copyOutput({ out }: SessionHost, stream: SessionStream): Promise<void> {
  try {
    for await (const { value, blobs } of stream.items) {
      if (!("stream" in value)) continue;
      for (const blob of blobs) {
        const wait = out.write(value.stream === "stderr" ? 2 : 1, blob);
        if (wait) await wait;
      }
    }
    await out.drain();
  } catch (error) {
    stream.cancel();
    throw error;
  }
}

/** @returns whether the detach keys were typed */
async function copyInput(stream: SessionStream, options: SessionOptions): Promise<boolean> {
  const filter = options.tty ? new DetachFilter(options.detachKeys) : undefined;
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      const { pass, detached } = filter?.push(chunk) ?? { pass: chunk, detached: false };
      if (pass.length > 0) await stream.send({ kind: "stdin" }, pass);
      if (!detached) continue;
      await stream.send({ kind: "detach" });
      return true;
    }
    await stream.send({ kind: "closeStdin" });
  } catch {
    // The stream's result has the error.
  }
  return false;
}

function followSize(onSize: (size: TerminalSize) => void): () => void {
  const report = (): void => {
    const size = terminalSize();
    if (size) onSize(size);
  };
  process.on("SIGWINCH", report);
  return () => process.off("SIGWINCH", report);
}
