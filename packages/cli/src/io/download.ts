import { promises as fs, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError } from "../command-error.ts";
import { fileProblem } from "./file-problem.ts";
import type { Output } from "./output.ts";
import { onTermination, signalExitCode } from "./signals.ts";

/** A stream of a file's bytes. */
export interface Source {
  readonly items: AsyncIterable<{ readonly blobs: readonly Uint8Array[] }>;
  readonly result: Promise<unknown>;
  cancel(): void;
}

/**
 * Checks the path of a file to be written, before the transfer starts.
 * @throws CommandError with docker's message
 */
export async function checkOutputPath(path: string): Promise<void> {
  const parent = dirname(path);
  const directory = await statOrNone(parent);
  if (!directory?.isDirectory()) throw invalid(path, `directory "${parent}" does not exist`);
  const present = await statOrNone(path);
  if (present?.isDirectory()) throw invalid(path, "it is a directory");
  if (present && !present.isFile()) throw invalid(path, "it must be a regular file");
}

/**
 * Writes a stream's bytes into a file, which gets its name only once it is complete: a failure or a signal leaves the
 * previous file unchanged.
 */
export async function downloadToFile(path: string, source: Source): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${Math.random().toString(36).slice(2)}`);
  let signal: NodeJS.Signals | undefined;
  const stop = onTermination((name) => {
    signal = name;
    source.cancel();
  });
  try {
    source.result.catch(() => {}); // the iteration throws the same
    await using file = await fs.open(temporary, "wx", 0o600).catch((error: unknown) => {
      source.cancel();
      throw new CommandError(`open ${temporary}: ${fileProblem(error)}`);
    });
    for await (const { blobs } of source.items) await writeAll(file, blobs);
    await source.result;
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.unlink(temporary).catch(() => {});
    if (signal) throw new CommandError("", signalExitCode(signal));
    throw error;
  } finally {
    stop();
  }
}

/** Writes a stream's bytes to standard output, as fast as its reader takes them. */
export async function downloadToOutput(out: Output, source: Source): Promise<void> {
  source.result.catch(() => {});
  for await (const { blobs } of source.items) for (const blob of blobs) await out.write(1, blob);
  await source.result;
  await out.drain();
}

async function writeAll(
  file: { writev(buffers: readonly Uint8Array[]): Promise<{ bytesWritten: number }> },
  blobs: readonly Uint8Array[],
): Promise<void> {
  let left = blobs.filter(({ length }) => length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left);
    const rest: Uint8Array[] = [];
    for (const blob of left) {
      if (bytesWritten < blob.length) rest.push(blob.subarray(bytesWritten));
      bytesWritten = Math.max(0, bytesWritten - blob.length);
    }
    left = rest;
  }
}

function invalid(path: string, why: string): CommandError {
  return new CommandError(`invalid output path: "${path}": ${why}`);
}

async function statOrNone(path: string): Promise<Stats | undefined> {
  return await fs.stat(path).catch(() => undefined);
}
