import { statfsSync } from "node:fs";
import { resourceExhausted } from "../errors.ts";

/** Bytes (or a hundredth of all) and inodes that unpacking leaves to everybody else on the file system. */
const maxReservedBytes = 64 << 20;
const reservedInodes = 1024;
const maxBytesPerCheck = 64 << 20;
const minBytesPerCheck = 1 << 20;
const entriesPerCheck = 1024;

/**
 * Ends an unpacking before it has taken all of the file system: a few kilobytes of compressed zeros may hold any
 * number of bytes. There is no limit other than the space, for real images have files of any size.
 */
export class SpaceGuard {
  readonly #directory: string;
  /** Bytes that may be written before the next look. */
  #left = 0;
  #entries = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A new entry whose content is to come. @throws RpcError ResourceExhausted */
  entry(size: number): void {
    this.#entries += 1;
    if (size > this.#left || this.#entries % entriesPerCheck === 0) this.#check(size);
  }

  /** @throws RpcError ResourceExhausted */
  wrote(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) this.#check(0);
  }

  #check(wanted: number): void {
    const { bavail, blocks, bsize, ffree, files } = statfsSync(this.#directory);
    const free = Math.floor(bavail * bsize - Math.min(maxReservedBytes, (blocks * bsize) / 100));
    if (wanted > free || free <= 0) {
      const needed = wanted > 0 ? `${wanted} bytes` : "more";
      throw resourceExhausted(`no space left to unpack: it needs ${needed}, ${Math.max(free, 0)} bytes are free`);
    }
    // Some file systems (btrfs) do not count inodes.
    if (files > 0 && ffree < reservedInodes) throw resourceExhausted("no inodes left to unpack");
    // Ever shorter steps as the end comes near.
    this.#left = Math.min(maxBytesPerCheck, Math.max(Math.floor(free / 2), minBytesPerCheck));
  }
}
