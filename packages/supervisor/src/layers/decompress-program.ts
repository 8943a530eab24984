import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { findProgram } from "@gantry/common/programs";

/** Formats that the system's own programs decompress, and how: from standard input to standard output. */
const programs = {
  // A stream may ask for a dictionary of up to 4 GiB; xz -9 needs 65 MiB.
  xz: ["--decompress", "--stdout", "--memlimit-decompress=512MiB"],
  bzip2: ["--decompress", "--stdout"],
} as const;

export type ProgramFormat = keyof typeof programs;

/** Directories of the system itself, whatever PATH says: never one that an image or a caller can write to. */
const systemPath = "/usr/local/bin:/usr/bin:/bin";
const maxMessage = 2000;

/**
 * The uncompressed bytes of a stream. The program has neither this process's environment (XZ_OPT, BZIP2) nor its
 * directory.
 * @throws Error when the stream is damaged, or the host lacks the program
 */
export async function* throughProgram(input: AsyncIterable<Uint8Array>, format: ProgramFormat): AsyncGenerator<Buffer> {
  const program = findProgram(format, systemPath, "/");
  if (program === undefined) throw new Error(`${format} data cannot be read: the host has no ${format}`);
  const { spawn } = await import("node:child_process");
  const child = spawn(program, programs[format], {
    stdio: ["pipe", "pipe", "pipe"],
    cwd: "/",
    env: { PATH: systemPath, LC_ALL: "C" },
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  ended.catch(() => {});
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    if (stderr.length < maxMessage) stderr += chunk;
  });
  let failure: { readonly error: unknown } | undefined;
  const source = recordingFailure(input, (error) => {
    failure = { error };
  });
  const feeding = pipeline(Readable.from(source, { objectMode: false }), child.stdin).catch(() => {});
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const status = await ended;
    await feeding;
    if (failure) throw failure.error;
    if (status !== 0) throw new Error(`damaged ${format} data: ${stderr.trim() || `${format} ended with ${status}`}`);
  } finally {
    child.kill("SIGKILL");
    await ended.catch(() => {});
  }
}

/** Passes a stream on, and reports a failure of the stream itself, as against one of its reader. */
export async function* recordingFailure(
  source: AsyncIterable<Uint8Array>,
  onFailure: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      // A broken pipe of the reader is thrown into the generator at its `yield`.
      const next = await iterator.next().catch((error: unknown) => {
        onFailure(error);
        throw error;
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
