import type { ChildProcess } from "node:child_process";

export interface ReadyLineOptions {
  readonly timeoutMs: number;
  /** Longest line that is read, in bytes. */
  readonly maxBytes: number;
}

/**
 * The first line of a child's standard output, which a program prints once it is ready to serve.
 * @throws Error when the child does not start, ends, prints a longer line or is late; the child is left to the caller
 */
export async function readReadyLine(child: ChildProcess, options: ReadyLineOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const onData = (bytes: Buffer) => {
    text += bytes.toString("latin1");
    const end = text.indexOf("\n");
    if (end >= 0) resolve(Buffer.from(text.slice(0, end), "latin1").toString());
    else if (text.length > options.maxBytes)
      reject(new Error(`its first line is longer than ${options.maxBytes} bytes`));
  };
  const onExit = (code: number | null, signal: NodeJS.Signals | null) =>
    reject(new Error(`it ended with ${signal ?? `status ${code}`}`));
  const timer = setTimeout(
    () => reject(new Error(`it was not ready within ${options.timeoutMs} ms`)),
    options.timeoutMs,
  );
  child.stdout?.on("data", onData);
  child.once("error", reject);
  child.once("exit", onExit);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.stdout?.off("data", onData);
    child.off("error", reject);
    child.off("exit", onExit);
  }
}
