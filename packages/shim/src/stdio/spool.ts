import { closeSync, fstatSync, readSync } from "node:fs";
import { MFD_CLOEXEC, type NativeSys } from "@gantry/native-sys";

/** As much as a pipe holds. */
const mostAtOnce = 64 * 1024;
/** Storage that is released at once. */
const releaseStep = 256 * 1024;

/** A terminal's bytes go through a pipe: splice(2) needs one. */
export interface Relay {
  readonly read: number;
  readonly write: number;
}

/**
 * The output of a process on its way to its log: a memory file whose size is the number of bytes that were ever taken
 * from the process. splice(2) moves bytes from a pipe into the file as one step that no kill divides, so a byte is
 * either still in the pipe or in the file, and both outlive the shim in the keeper. What the log has is released.
 */
export class Spool {
  readonly fd: number;
  readonly relay: Relay | undefined;
  readonly #sys: NativeSys;
  #size: number;
  #read: number;
  #released: number;

  /** @param from bytes that the log has already */
  constructor(sys: NativeSys, fd: number, relay: Relay | undefined, from = 0) {
    this.#sys = sys;
    this.fd = fd;
    this.relay = relay;
    this.#size = fstatSync(fd).size;
    this.#read = from;
    this.#released = from;
  }

  static create(sys: NativeSys, isTerminal: boolean): Spool {
    return new Spool(sys, sys.memfdCreate("output", MFD_CLOEXEC), isTerminal ? relayOf(sys) : undefined);
  }

  /**
   * Takes bytes from a descriptor that does not block.
   * @returns bytes read into the buffer; 0 at the end, -1 when nothing is there now
   */
  take(source: number, into: Buffer): number {
    if (this.pending === 0) {
      const moved = this.#move(source);
      if (moved <= 0) return moved;
      this.#size += moved;
    }
    return this.next(into);
  }

  /** Bytes in the file that were not read yet. */
  get pending(): number {
    return this.#size - this.#read;
  }

  /** Reads what is in the file. @returns bytes read */
  next(into: Buffer): number {
    const length = readSync(this.fd, into, 0, Math.min(into.length, this.pending), this.#read);
    this.#read += length;
    return length;
  }

  /** Releases the storage of what the log has. @param position bytes from the beginning */
  release(position: number): void {
    const end = position - (position % 4096);
    if (end - this.#released < releaseStep) return;
    this.#sys.punchHole(this.fd, this.#released, end - this.#released);
    this.#released = end;
  }

  close(): void {
    for (const fd of [this.fd, this.relay?.read, this.relay?.write]) if (fd !== undefined) closeSync(fd);
  }

  #move(source: number): number {
    try {
      if (!this.relay) return this.#sys.splice(source, this.fd, this.#size, mostAtOnce) ?? -1;
      // Bytes that an earlier shim left in the pipe come first.
      const left = this.#sys.splice(this.relay.read, this.fd, this.#size, mostAtOnce);
      if (left !== null) return left;
      const moved = this.#sys.splice(source, this.relay.write, -1, mostAtOnce);
      return moved === null || moved === 0 ? (moved ?? -1) : this.#move(source);
    } catch {
      return 0; // a terminal's master answers EIO once its other side is closed
    }
  }
}

function relayOf(sys: NativeSys): Relay {
  const [read, write] = sys.pipe(0);
  return { read, write };
}
