import { statfsSync } from "node:fs";
import { resourceExhausted } from "../errors.ts";

/** Bytes (or a hundredth of the file system, if that is less) and inodes that unpacking leaves free. */
const maxReservedBytes = 64 << 20;
const reservedInodes = 1024;
const maxBytesPerCheck = 64 << 20;
const minBytesPerCheck = 1 << 20;
const entriesPerCheck = 1024;

/**
 * Stops unpacking before the file system is full: a few kilobytes of compressed zeros can expand to any size. The free
 * space is the only limit, since real images have files of any size.
 */
export class SpaceGuard {
  readonly #directory: string;
  /** Bytes that may be written before the next check. */
  #left = 0;
  #entries = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Called for an entry before its content. @throws RpcError ResourceExhausted */
  entry(size: number): void {
    this.#entries += 1;
    if (size > this.#left || this.#entries % entriesPerCheck === 0) this.#check(size);
  }

  /** Called after each write. @throws RpcError ResourceExhausted */
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
    // The less space is left, the sooner it is checked again.
    this.#left = Math.min(maxBytesPerCheck, Math.max(Math.floor(free / 2), minBytesPerCheck));
  }
}
