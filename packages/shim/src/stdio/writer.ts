import { closeSync, writeSync } from "node:fs";
import { type FdWatch, type NativeSys, POLLOUT } from "@gantry/native-sys";

interface Piece {
  bytes: Buffer;
  readonly done: () => void;
}

/**
 * Writes to a descriptor that does not block, in order, waiting for room where there is none.
 * Once the other side is gone further bytes are dropped, as by a process that closed its input.
 */
export class FdWriter {
  readonly #sys: NativeSys;
  readonly #queue: Piece[] = [];
  #fd = -1;
  #watch: FdWatch | undefined;
  #closing = false;
  readonly #onClosed: () => void;

  /** @param onClosed called when its descriptor was closed */
  constructor(sys: NativeSys, onClosed: () => void = () => undefined) {
    this.#sys = sys;
    this.#onClosed = onClosed;
  }

  /** Sets the descriptor, which the writer closes in the end, and flushes the queued bytes. */
  open(fd: number): void {
    this.#sys.setNonBlocking(fd, true);
    this.#fd = fd;
    this.#flush();
  }

  /**
   * Writes bytes; they are copied only if they must wait.
   * @returns nothing when they went out at once, else a promise that resolves when they have (or were dropped)
   */
  write(bytes: Buffer): Promise<void> | undefined {
    if (this.#closing || bytes.length === 0) return undefined;
    const rest = this.#queue.length === 0 && this.#fd >= 0 ? this.#writeNow(bytes) : bytes;
    if (rest.length === 0) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.push({ bytes: Buffer.from(rest), done: resolve });
    this.#wait();
    return promise;
  }

  /** Closes once the queued bytes are written. */
  end(): void {
    this.#closing = true;
    if (this.#queue.length === 0) this.destroy();
  }

  /** Closes now and drops the queued bytes. */
  destroy(): void {
    this.#closing = true;
    this.#watch?.close();
    this.#watch = undefined;
    if (this.#fd >= 0) {
      closeSync(this.#fd);
      this.#fd = -1;
      this.#onClosed();
    }
    for (const piece of this.#queue.splice(0)) piece.done();
  }

  #wait(): void {
    if (this.#fd < 0) return;
    if (this.#watch) this.#watch.setEvents(POLLOUT);
    else this.#watch = this.#sys.watchFd(this.#fd, POLLOUT, () => this.#flush());
  }

  #flush(): void {
    for (let piece = this.#queue[0]; piece; piece = this.#queue[0]) {
      piece.bytes = this.#writeNow(piece.bytes);
      if (piece.bytes.length > 0) {
        this.#wait();
        return;
      }
      this.#queue.shift();
      piece.done();
    }
    this.#watch?.setEvents(0);
    if (this.#closing) this.destroy();
  }

  /** @returns the bytes that found no room */
  #writeNow(bytes: Buffer): Buffer {
    let rest = bytes;
    while (rest.length > 0) {
      const written = writeOnce(this.#fd, rest);
      if (written === "full") return rest;
      if (written === "gone") return rest.subarray(rest.length);
      rest = rest.subarray(written);
    }
    return rest;
  }
}

function writeOnce(fd: number, bytes: Buffer): number | "full" | "gone" {
  try {
    return writeSync(fd, bytes, 0, bytes.length);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? "full" : "gone";
  }
}
