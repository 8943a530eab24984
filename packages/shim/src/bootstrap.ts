import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { shimBootstrap, type shimReady } from "@gantry/ipc/contracts/shim";
import { type FdWatch, type NativeSys, POLLIN } from "@gantry/native-sys";
import * as v from "valibot";

export type Bootstrap = v.InferOutput<typeof shimBootstrap>;

const stdin = 0;
const stdout = 1;
const longestLine = 1024 * 1024;
const howTo = "a shim is started by a supervisor, which sends one line of JSON on standard input";

/** The supervisor's hold on a shim without a container: standard input, open. */
export interface Lease {
  /** Calls back once when the supervisor is gone. */
  onEnd(callback: () => void): void;
  /** The shim has a container: from now on the supervisor may go. */
  release(): void;
}

/** Reads the one line that starts a shim. @throws Error for a person when there is none, or it is not right */
export async function readBootstrap(sys: NativeSys): Promise<{ bootstrap: Bootstrap; lease: Lease }> {
  const stat = fstatSync(stdin);
  if (!stat.isFIFO() && !stat.isSocket()) throw new Error(`standard input must be a pipe: ${howTo}`);
  const watch = new StdinWatch(sys);
  const bootstrap = parse(await watch.line());
  return { bootstrap, lease: watch };
}

/** Tells the supervisor where the shim listens, and closes standard output. */
export function announce(ready: v.InferOutput<typeof shimReady>): void {
  writeSync(stdout, `${JSON.stringify(ready)}\n`);
  replaceByNull(stdout, "w");
}

function parse(line: string): Bootstrap {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`the line on standard input is no JSON: ${howTo}`);
  }
  const result = v.safeParse(shimBootstrap, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Error(`the line on standard input is wrong at ${v.getDotPath(issue) ?? "its top"}: ${issue.message}`);
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

/** The number stays taken, so that nothing else is taken for standard input or output. */
function replaceByNull(fd: number, flags: "r" | "w"): void {
  closeSync(fd);
  openSync("/dev/null", flags);
}
