import { closeSync, readSync } from "node:fs";
import { type FdWatch, type NativeSys, POLLIN } from "@gantry/native-sys";
import { openFifo } from "./fifo.ts";
import { FdWriter } from "./writer.ts";

const chunkSize = 16 * 1024;

/** Standard input of a process, from attached clients and a named pipe. */
export class Input {
  readonly #sys: NativeSys;
  readonly #writer: FdWriter;
  readonly #terminal: boolean;
  #fifo = -1;
  #watch: FdWatch | undefined;

  /** @param onClosed called when the descriptor was closed: the process reads end of file if no copy is left */
  constructor(sys: NativeSys, terminal: boolean, onClosed: () => void) {
    this.#sys = sys;
    this.#writer = new FdWriter(sys, onClosed);
    this.#terminal = terminal;
  }

  /** Gives it the descriptor to write to, which it closes in the end. */
  open(fd: number): void {
    this.#writer.open(fd);
  }

  /** Resolves once the process's pipe has taken the bytes, or they are dropped. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#writer.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** Copies from a named pipe until closed. */
  copyFrom(path: string): void {
    const fd = openFifo(path);
    this.#fifo = fd;
    this.#watch = this.#sys.watchFd(fd, POLLIN, () => this.#copy());
  }

  /**
   * The process reads end of file after the bytes sent so far. A terminal has no end of file of its own
   * (its user types control-D): there it does nothing but to stop listening to the named pipe.
   */
  close(): void {
    while (this.#fifo >= 0 && this.#copy());
    this.#closeFifo();
    if (!this.#terminal) this.#writer.end();
  }

  /** Closes all at once. */
  destroy(): void {
    this.#closeFifo();
    this.#writer.destroy();
  }

  /** @returns whether there was something */
  #copy(): boolean {
    const bytes = Buffer.allocUnsafe(chunkSize);
    const length = readNow(this.#fifo, bytes);
    if (length <= 0) return false;
    const room = this.#writer.write(bytes.subarray(0, length));
    if (!room) return true;
    this.#watch?.setEvents(0);
    room.then(() => this.#watch?.setEvents(POLLIN));
    return true;
  }

  #closeFifo(): void {
    this.#watch?.close();
    this.#watch = undefined;
    if (this.#fifo >= 0) closeSync(this.#fifo);
    this.#fifo = -1;
  }
}

function readNow(fd: number, bytes: Buffer): number {
  try {
    return readSync(fd, bytes, 0, bytes.length, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return -1;
    throw error;
  }
}
