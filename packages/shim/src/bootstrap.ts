import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { type ShimBootstrap, shimBootstrap, type shimReady } from "@gantry/ipc/contracts/shim";
import { parseDocument } from "@gantry/ipc/formats/document";
import { type FdWatch, type NativeSys, POLLIN } from "@gantry/native-sys";
import type * as v from "valibot";

const stdin = 0;
const stdout = 1;
const longestLine = 1024 * 1024;
const howTo = "a shim is started by a supervisor, which sends one line of JSON on standard input";

/** The supervisor's lease of a shim without a container: standard input, while it is open. */
export interface Lease {
  /** Calls back once when the supervisor has closed it or has died. */
  onEnd(callback: () => void): void;
  /** Ends the lease: with a container the shim no longer depends on its supervisor. */
  release(): void;
}

/** Reads the line that starts a shim. @throws Error for a person when the line is missing or malformed */
export async function readBootstrap(sys: NativeSys): Promise<{ bootstrap: ShimBootstrap; lease: Lease }> {
  const stat = fstatSync(stdin);
  if (!stat.isFIFO() && !stat.isSocket()) throw new Error(`standard input must be a pipe: ${howTo}`);
  const watch = new StdinWatch(sys);
  const bootstrap = parseDocument(shimBootstrap, await watch.line(), "the line on standard input");
  return { bootstrap, lease: watch };
}

/** Reports to the supervisor where the shim listens, and closes standard output. */
export function announce(ready: v.InferOutput<typeof shimReady>): void {
  writeSync(stdout, `${JSON.stringify(ready)}\n`);
  replaceByNull(stdout, "w");
}

class StdinWatch implements Lease {
  readonly #line = Promise.withResolvers<string>();
  readonly #watch: FdWatch;
  #bytes: Buffer | undefined = Buffer.alloc(0);
  #ended = false;
  #onEnd: (() => void) | undefined;
  #released = false;

  constructor(sys: NativeSys) {
    this.#watch = sys.watchFd(stdin, POLLIN, () => this.#read());
  }

  line(): Promise<string> {
    return this.#line.promise;
  }

  onEnd(callback: () => void): void {
    if (this.#ended) callback();
    else this.#onEnd = callback;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#onEnd = undefined;
    this.#watch.close();
    replaceByNull(stdin, "r");
  }

  #read(): void {
    const chunk = Buffer.allocUnsafe(4096);
    const length = readNow(chunk);
    if (length < 0) return;
    if (length === 0) {
      this.#end();
    } else if (this.#bytes) {
      this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, length)]);
      this.#take(this.#bytes);
    }
  }

  #take(bytes: Buffer): void {
    const end = bytes.indexOf("\n");
    if (end >= 0) this.#line.resolve(bytes.toString("utf8", 0, end));
    else if (bytes.length > longestLine) this.#line.reject(new Error(`the line on standard input is too long`));
    else return;
    this.#bytes = undefined;
  }

  #end(): void {
    this.#watch.close();
    this.#ended = true;
    this.#line.reject(new Error(`standard input ended before a line: ${howTo}`));
    this.#onEnd?.();
  }
}

function readNow(chunk: Buffer): number {
  try {
    return readSync(stdin, chunk, 0, chunk.length, null);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? -1 : 0;
  }
}

/** The descriptor stays in use, so that no other file becomes standard input or output. */
function replaceByNull(fd: number, flags: "r" | "w"): void {
  closeSync(fd);
  openSync("/dev/null", flags);
}
