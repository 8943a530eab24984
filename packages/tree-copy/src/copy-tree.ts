import { type BigIntStats, linkSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { setImmediate as yieldToEventLoop } from "node:timers/promises";
import type { NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath, toBytePath } from "./byte-path.ts";
import { copyNodeSteps } from "./copy-node.ts";
import { copyMetadata } from "./metadata.ts";

/** Steps between two looks at the event loop: an entry is one, and so is a piece of a large file. */
const stepsPerSlice = 16;

export interface CopyTreeOptions {
  /** Ends the copy between two steps. */
  readonly signal?: AbortSignal;
}

/**
 * Copies everything below a directory, and the directory's own metadata, to an existing empty directory: names as
 * bytes, hard links as links, owners, modes, extended attributes, times to the nanosecond, devices, FIFOs and sockets.
 * The event loop is let run in between.
 * @throws SystemError naming the path; the reason of the signal. Files copied by then are left to the caller
 */
export async function copyTree(
  native: NativeSys,
  from: string,
  to: string,
  options: CopyTreeOptions = {},
): Promise<void> {
  let steps = 0;
  for (const _ of copySteps(native, toBytePath(from), toBytePath(to))) {
    steps += 1;
    if (steps % stepsPerSlice !== 0) continue;
    await yieldToEventLoop();
    options.signal?.throwIfAborted();
  }
}

interface DirectoryPair {
  readonly from: BytePath;
  readonly to: BytePath;
  readonly stats: BigIntStats;
}

function* copySteps(native: NativeSys, from: BytePath, to: BytePath): Generator<void> {
  /** First copies of files that have several names, by device and inode. */
  const linked = new Map<string, BytePath>();
  const directories: DirectoryPair[] = [{ from, to, stats: lstatSync(fsPath(from), { bigint: true }) }];
  for (let at = 0; at < directories.length; at++) {
    const directory = directories[at] as DirectoryPair;
    for (const name of readdirSync(fsPath(directory.from), "latin1")) {
      const source = `${directory.from}/${name}`;
      const target = `${directory.to}/${name}`;
      const stats = lstatSync(fsPath(source), { bigint: true });
      const key = `${stats.dev}:${stats.ino}`;
      const first = stats.nlink > 1n ? linked.get(key) : undefined;
      if (stats.isDirectory()) {
        mkdirSync(fsPath(target), 0o700);
        directories.push({ from: source, to: target, stats });
      } else if (first !== undefined) linkSync(fsPath(first), fsPath(target));
      else {
        yield* copyNodeSteps(native, source, target, stats);
        if (stats.nlink > 1n) linked.set(key, target);
      }
      yield;
    }
  }
  // Creating an entry changes its directory's times, so these are set from the innermost directory out.
  for (const pair of directories.reverse()) copyMetadata(native, pair.from, pair.to, pair.stats);
}
