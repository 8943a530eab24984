import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";

const chunkBytes = 64 << 10;

/**
 * One end of a named pipe, whose other end is open (fifo(7)). No call blocks: a JS runtime has few threads for file
 * I/O, and two that wait for output would keep the input from being written.
 */
export class FifoEnd {
  readonly #fd: number;
  #isClosed = false;
  #stopWaiting: () => void = () => {};

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws Error ENOENT */
  static reader(path: string): FifoEnd {
    return new FifoEnd(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  }

  /** @returns undefined when the other end is closed: its process has ended */
  static writer(path: string): FifoEnd | undefined {
    try {
      return new FifoEnd(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch (error) {
      if (codeOf(error) === "ENXIO" || codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** The bytes, until the other end is closed or this one. */
  async *read(): AsyncGenerator<Buffer> {
    // Before a writer has come a read would find the end of the file.
    let isReady = await this.#ready("POLLIN");
    try {
      while (isReady && !this.#isClosed) {
        const chunk = unlessBusy(() => {
          const buffer = Buffer.allocUnsafe(chunkBytes);
          return buffer.subarray(0, readSync(this.#fd, buffer));
        });
        if (chunk?.length === 0) return;
        if (chunk) yield chunk;
        else isReady = await this.#ready("POLLIN");
      }
    } finally {
      this.close();
    }
  }

  /** Writes all bytes, unless the other end is closed or this one. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0 && !this.#isClosed; ) {
      try {
        const written = unlessBusy(() => writeSync(this.#fd, rest));
        if (written !== undefined) rest = rest.subarray(written);
        else await this.#ready("POLLOUT");
      } catch (error) {
        if (codeOf(error) === "EPIPE") return;
        throw error;
      }
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWaiting();
    closeSync(this.#fd);
  }

  /** @returns false once this end is closed */
  async #ready(event: "POLLIN" | "POLLOUT"): Promise<boolean> {
    const native = await import("@gantry/native-sys");
    if (this.#isClosed) return false;
    return new Promise((resolve) => {
      const end = (isReady: boolean) => {
        this.#stopWaiting = () => {};
        watch.close();
        resolve(isReady);
      };
      const watch = native.nativeSys().watchFd(this.#fd, native[event], () => end(true));
      this.#stopWaiting = () => end(false);
    });
  }
}

/** @returns undefined where the pipe is empty or full */
function unlessBusy<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
