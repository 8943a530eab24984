import { DetachFilter } from "./detach-keys.ts";
import type { Log } from "./log.ts";
import type { Output } from "./output.ts";
import { forwardSignals, onTermination, signalExitCode } from "./signals.ts";
import { rawMode, type TerminalSize, terminalSize } from "./terminal.ts";

/** What an attached client sends. */
export type SessionInput = { kind: "stdin" } | { kind: "closeStdin" } | { kind: "detach" };

/** What the process comes with that a session is shown in. */
export interface SessionHost {
  readonly out: Output;
  readonly log: Log;
}

/** Output of a process, with its bytes; other items are passed over. */
export interface SessionItem {
  readonly value: { readonly stream: "stdout" | "stderr" } | { readonly attached: true };
  readonly blobs: readonly Uint8Array[];
}

/** An open stream to a container's process: attach or exec. */
export interface SessionStream {
  readonly items: AsyncIterable<SessionItem>;
  /** Settles when the stream has ended; undefined where it does not tell the process's exit code. */
  readonly exitCode: Promise<number | undefined>;
  send(input: SessionInput, ...blobs: Uint8Array[]): Promise<void>;
  cancel(): void;
}

export interface SessionOptions {
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Nothing comes back: the session is over with the input's end. */
  readonly inputOnly?: boolean;
  /** Bytes; none: there is no leaving. */
  readonly detachKeys: Uint8Array;
  /** Passes signals on; else one that ends this program puts the terminal back first. */
  readonly kill?: (signal: NodeJS.Signals) => Promise<unknown>;
  readonly resize: (size: TerminalSize) => Promise<unknown>;
}

/** How a session ended: its process did, the person left it, or a signal ended this program. */
export type SessionEnd =
  | { readonly kind: "ended"; readonly exitCode: number | undefined }
  | { readonly kind: "detached" }
  | { readonly kind: "signalled"; readonly exitCode: number };

/** A session under way. */
export interface Session {
  readonly end: Promise<SessionEnd>;
  /** Puts the terminal back and stops listening; may be called twice. */
  close(): void;
}

/** Connects this process's streams, signals and terminal with a process in a container. */
export function startSession(host: SessionHost, stream: SessionStream, options: SessionOptions): Session {
  const undo: (() => void)[] = [];
  const left = Promise.withResolvers<SessionEnd>();
  const quietly = (work: Promise<unknown>): void => {
    work.catch((error: Error) => host.log.debug(error.message));
  };
  if (options.tty) {
    undo.push(followSize((size) => quietly(options.resize(size))));
    if (options.stdin) undo.push(rawMode());
    if (options.stdin && !options.kill) {
      undo.push(onTermination((signal) => left.resolve({ kind: "signalled", exitCode: signalExitCode(signal) })));
    }
  }
  const { kill } = options;
  if (kill) {
    undo.push(
      forwardSignals((signal) => {
        // the terminal in the container tells of its size itself
        if (!options.tty || signal !== "SIGWINCH") quietly(kill(signal));
      }),
    );
  }
  if (options.stdin)
    copyInput(stream, options).then(
      (detached) => (detached || options.inputOnly) && left.resolve({ kind: "detached" }),
      left.reject,
    );
  const ended = copyOutput(host, stream).then(
    async (): Promise<SessionEnd> => ({ kind: "ended", exitCode: await stream.exitCode }),
  );
  // both are looked at by the race alone
  stream.exitCode.catch(() => {});
  const close = (): void => {
    for (const step of undo.splice(0).reverse()) step();
  };
  return { end: Promise.race([left.promise, ended]).finally(close), close };
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

/** True when the detach keys were typed. */
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
    // the stream's own end tells what happened
  }
  return false;
}

function followSize(tell: (size: TerminalSize) => void): () => void {
  const report = (): void => {
    const size = terminalSize();
    if (size) tell(size);
  };
  process.on("SIGWINCH", report);
  return () => process.off("SIGWINCH", report);
}
