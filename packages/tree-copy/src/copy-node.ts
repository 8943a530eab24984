import { type BigIntStats, constants, lstatSync, mkdirSync, readlinkSync, symlinkSync } from "node:fs";
import { deviceNumbers, type NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath } from "./byte-path.ts";
import { copyContent } from "./content.ts";
import { copyMetadata } from "./metadata.ts";

/** Creates a directory with the owner, mode, times and attributes of another one; its entries are not copied. */
export function copyDirectory(native: NativeSys, from: BytePath, to: BytePath): void {
  mkdirSync(fsPath(to), 0o700);
  copyMetadata(native, from, to, lstatSync(fsPath(from), { bigint: true }));
}

/** Copies anything but a directory, synchronously: a file, symbolic link, device, FIFO or socket. */
export function copyNode(native: NativeSys, from: BytePath, to: BytePath): void {
  for (const _ of copyNodeSteps(native, from, to, lstatSync(fsPath(from), { bigint: true })));
}

/** The same in steps, for callers that must not block for the length of a large file; see `copyContent`. */
export function* copyNodeSteps(native: NativeSys, from: BytePath, to: BytePath, stats: BigIntStats): Generator<void> {
  if (stats.isSymbolicLink()) symlinkSync(readlinkSync(fsPath(from), "buffer"), fsPath(to));
  else if (stats.isFile()) yield* copyContent(native, from, to, stats);
  else {
    const { major, minor } = deviceNumbers(stats.rdev);
    native.mknod(fsPath(to), (Number(stats.mode) & constants.S_IFMT) | 0o600, major, minor);
  }
  copyMetadata(native, from, to, stats);
}
