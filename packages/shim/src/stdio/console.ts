import { rmSync } from "node:fs";
import { AF_UNIX, type FdWatch, type NativeSys, POLLIN, SOCK_STREAM } from "@gantry/native-sys";

/** Far more than the name of a terminal, which is all that comes beside the descriptor. */
const maxName = 4096;

/** The Unix socket on which a runtime hands over a terminal's master (runtime command line: --console-socket). */
export class ConsoleSocket implements Disposable {
  readonly path: string;
  readonly #sys: NativeSys;
  readonly #listener: number;
  readonly #master = Promise.withResolvers<number>();
  #watch: FdWatch;
  #connection = -1;

  /** @throws the system's error when the socket cannot be made */
  constructor(sys: NativeSys, path: string) {
    this.path = path;
    this.#sys = sys;
    this.#listener = sys.unixListen(path, SOCK_STREAM, 1);
    this.#watch = sys.watchFd(this.#listener, POLLIN, () => this.#accept());
    this.#master.promise.catch(() => undefined);
  }

  /**
   * The master; the caller closes it. Call it after the runtime has succeeded, which has sent it by then.
   * @throws Error when it sent none
   */
  async master(): Promise<number> {
    if (this.#connection < 0) this.#accept();
    if (this.#connection >= 0) this.#receive();
    else this.#master.reject(new Error("the runtime did not send the terminal to the console socket"));
    return this.#master.promise;
  }

  [Symbol.dispose](): void {
    this.#master.reject(new Error("the console socket was closed"));
    this.#watch.close();
    this.#sys.closeFd(this.#listener);
    if (this.#connection >= 0) this.#sys.closeFd(this.#connection);
    rmSync(this.path, { force: true });
  }

  #accept(): void {
    const connection = this.#sys.accept(this.#listener);
    if (connection === null) return;
    this.#connection = connection;
    this.#watch.close();
    this.#watch = this.#sys.watchFd(connection, POLLIN, () => this.#receive());
  }

  #receive(): void {
    const message = this.#sys.recvFds(this.#connection, maxName, 1);
    if (message === null) return;
    this.#watch.close();
    const [master] = message.fds;
    if (master === undefined) this.#master.reject(new Error("the runtime sent no terminal to the console socket"));
    else this.#master.resolve(master);
  }
}

/** A second descriptor of the same open file, by way of a socket: the event loop watches a descriptor only once. */
export function duplicate(sys: NativeSys, fd: number): number {
  const [a, b] = sys.socketPair(AF_UNIX, SOCK_STREAM, 0);
  try {
    sys.sendFds(a, Buffer.from([0]), [fd]);
    const copy = sys.recvFds(b, 1, 1)?.fds[0];
    if (copy === undefined) throw new Error(`descriptor ${fd} could not be duplicated`);
    return copy;
  } finally {
    sys.closeFd(a);
    sys.closeFd(b);
  }
}
