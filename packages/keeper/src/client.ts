import {
  CLD_EXITED,
  errnoName,
  type FdWatch,
  isSystemError,
  type NativeSys,
  POLLIN,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  type SpawnOptions,
} from "@gantry/native-sys";
import { type Fields, limits, protocolVersion, spawnFlags } from "./generated/messages.ts";
import { decode, encode, type Message } from "./wire.ts";

/** How a process of a keeper ended. */
export interface KeptExit {
  readonly name: string;
  readonly pid: number;
  /** As the shells count it: 128+n for signal n. */
  readonly exitStatus: number;
  /** Nanoseconds since 1970 (CLOCK_REALTIME). */
  readonly time: bigint;
}

/** A process that a keeper knows by name. */
export interface KeptProcess {
  readonly name: string;
  readonly pid: number;
  /** Absent while it runs. */
  readonly exit?: KeptExit;
}

export interface KeeperState {
  /** The keeper's own pid. */
  readonly pid: number;
  readonly settling: boolean;
  readonly descriptors: ReadonlySet<string>;
  readonly processes: readonly KeptProcess[];
}

/** Of the flags for clone(2), those for namespaces. */
export interface KeeperSpawn extends SpawnOptions {
  /** Remembers the exit; without a name it is forgotten. */
  readonly name?: string;
}

export interface WatchHooks {
  /** An exit; it is reported again to the next watcher unless it is acknowledged. */
  readonly onExit: (exit: KeptExit) => void;
  /** The connection is over: the keeper has ended, or another watcher has taken over. Not called after `close` or `shutdown`. */
  readonly onEnd: (reason: "ended" | "replaced") => void;
}

interface Pending {
  readonly resolve: (answer: { message: Message; fds: number[] }) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to a keeper. Requests are sent one at a time; a failed one has the errno's name as its error's `code`. */
export class KeeperClient {
  readonly #sys: NativeSys;
  readonly #socket: number;
  readonly #watch: FdWatch;
  readonly #hooks: WatchHooks | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #pending: Pending | undefined;
  #isOpen = true;
  #isReplaced = false;
  #isEnding = false;

  private constructor(sys: NativeSys, path: string, hooks: WatchHooks | undefined) {
    this.#sys = sys;
    this.#hooks = hooks;
    this.#socket = sys.unixConnect(path, SOCK_SEQPACKET | SOCK_CLOEXEC);
    this.#watch = sys.watchFd(this.#socket, POLLIN, () => this.#receive());
  }

  /**
   * @param hooks makes this the keeper's watcher, in the place of any other
   * @throws the system's error where no keeper listens (ECONNREFUSED, ENOENT); Error for a keeper of an unknown version
   */
  static async connect(sys: NativeSys, path: string, hooks?: WatchHooks): Promise<KeeperClient> {
    const client = new KeeperClient(sys, path, hooks);
    try {
      const { value } = await client.#ask("hello", { version: protocolVersion, watch: hooks ? 1 : 0 });
      if (value < 1n) throw new Error(`the keeper at ${path} speaks version ${value} of the protocol`);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @returns the child once it has executed its program; the caller closes the pidfd */
  async spawn(options: KeeperSpawn): Promise<{ pid: number; pidFd: number }> {
    const { program, cgroupFd, fds } = options;
    const flags =
      (typeof program === "number" ? spawnFlags.program : 0) |
      (cgroupFd === undefined ? 0 : spawnFlags.cgroup) |
      (options.setsid ? spawnFlags.session : 0);
    const request = {
      name: options.name ?? "",
      path: typeof program === "number" ? "" : program,
      argv: options.argv,
      env: options.env,
      cwd: options.cwd ?? "",
      flags,
      cloneFlags: options.cloneFlags ?? 0,
    };
    const leading = [...(typeof program === "number" ? [program] : []), ...(cgroupFd === undefined ? [] : [cgroupFd])];
    const answer = await this.#ask("spawn", request, [...leading, ...fds]);
    return { pid: Number(answer.value), pidFd: answer.fds[0] ?? -1 };
  }

  /** Remembers the exit of a child that something else has started. @throws with code ECHILD */
  async adopt(name: string, pid: number): Promise<void> {
    await this.#ask("adopt", { name, pid });
  }

  /** While on, children without a name are left unreaped for `adopt`. */
  async settle(on: boolean): Promise<void> {
    await this.#ask("settle", { on: on ? 1 : 0 });
  }

  /** @throws with code ESRCH when the process has ended; EINVAL for no signal */
  async signal(name: string, signal: number): Promise<void> {
    await this.#ask("signal", { name, signal });
  }

  /** Forgets a process that has ended. */
  async acknowledge(name: string): Promise<void> {
    await this.#ask("acknowledge", { name });
  }

  /** Holds copies of descriptors by name. */
  async put(descriptors: Readonly<Record<string, number>>): Promise<void> {
    await this.#ask("put", { names: Object.keys(descriptors) }, Object.values(descriptors));
  }

  /** @returns copies, which the caller closes @throws with code ENOENT when one is not held */
  async get<N extends string>(...names: readonly N[]): Promise<Record<N, number>> {
    const { fds } = await this.#ask("get", { names });
    return Object.fromEntries(names.map((name, index) => [name, fds[index]])) as Record<N, number>;
  }

  /** Closes held descriptors; a name that is not held is no error. */
  async drop(...names: readonly string[]): Promise<void> {
    await this.#ask("drop", { names });
  }

  async list(): Promise<KeeperState> {
    const { message } = await this.#request("list", {}, []);
    if (message.name !== "listing") throw new Error("the keeper did not answer with a listing");
    const { pid, settling, descriptors, processes, states } = message.fields;
    return {
      pid: Number(pid),
      settling: settling !== 0n,
      descriptors: new Set(descriptors),
      processes: processes.map((name, index) => {
        const [own = 0n, code = 0n, status = 0n, time = 0n] = states.slice(index * 4, index * 4 + 4);
        const process = { name, pid: Number(own) };
        return code === 0n ? process : { ...process, exit: exitOf(name, own, { code, status, time }) };
      }),
    };
  }

  /** Ends the keeper, whatever it keeps. */
  async shutdown(): Promise<void> {
    this.#isEnding = true;
    await this.#ask("shutdown", {});
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.close();
    this.#sys.closeFd(this.#socket);
    this.#pending?.reject(gone());
    this.#pending = undefined;
  }

  async #ask<N extends keyof Fields>(
    name: N,
    fields: Fields[N],
    fds: readonly number[] = [],
  ): Promise<{ value: bigint; fds: number[] }> {
    const answer = await this.#request(name, fields, fds);
    if (answer.message.name !== "reply") throw new Error(`the keeper did not reply to ${name}`);
    const { error, value, text } = answer.message.fields;
    if (error !== 0n) throw failure(name, Number(error), text);
    return { value, fds: answer.fds };
  }

  /** In the order of the calls; the descriptors may be closed once it has returned its promise's result. */
  #request<N extends keyof Fields>(
    name: N,
    fields: Fields[N],
    fds: readonly number[],
  ): Promise<{ message: Message; fds: number[] }> {
    const asking = this.#last.then(
      () =>
        new Promise<{ message: Message; fds: number[] }>((resolve, reject) => {
          if (!this.#isOpen) throw gone();
          this.#send(encode(name, fields), fds);
          this.#pending = { resolve, reject };
        }),
    );
    this.#last = asking.catch(() => undefined);
    return asking;
  }

  #send(bytes: Buffer, fds: readonly number[]): void {
    try {
      this.#sys.sendFds(this.#socket, bytes, fds);
    } catch (error) {
      // The reason of a refusal, or the end, waits in the socket.
      if (!isSystemError(error, "EPIPE", "ECONNRESET")) throw error;
    }
  }

  #receive(): void {
    while (this.#isOpen) {
      const received = this.#receiveOne();
      if (received === null) return;
      if (received.data.length === 0) {
        this.close();
        if (!this.#isEnding) this.#hooks?.onEnd(this.#isReplaced ? "replaced" : "ended");
        return;
      }
      this.#take(received.data, received.fds);
    }
  }

  /** null when nothing is there; no data at the end. */
  #receiveOne(): { data: Buffer; fds: number[] } | null {
    try {
      return this.#sys.recvFds(this.#socket, limits.message, limits.passed);
    } catch (error) {
      // It has ended with requests unread. The kernel reports that once, before what was sent.
      if (!isSystemError(error, "ECONNRESET")) throw error;
      return this.#sys.recvFds(this.#socket, limits.message, limits.passed);
    }
  }

  #take(data: Buffer, fds: number[]): void {
    const message = decode(data);
    if (message?.name === "exited") {
      const { name, pid, code, status, time } = message.fields;
      this.#hooks?.onExit(exitOf(name, pid, { code, status, time }));
    } else if (message?.name === "replaced") this.#isReplaced = true;
    else if (message && this.#pending) {
      const { resolve } = this.#pending;
      this.#pending = undefined;
      resolve({ message, fds });
      return;
    }
    for (const fd of fds) this.#sys.closeFd(fd);
  }
}

/** Ends the keeper that listens at a path, whatever it keeps; none is no error. */
export async function endKeeper(sys: NativeSys, path: string): Promise<void> {
  try {
    const keeper = await KeeperClient.connect(sys, path);
    await keeper.shutdown().finally(() => keeper.close());
  } catch (error) {
    // EPIPE: it ends just now.
    if (!isSystemError(error, "ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE")) throw error;
  }
}

function exitOf(name: string, pid: bigint, how: { code: bigint; status: bigint; time: bigint }): KeptExit {
  const exitStatus = Number(how.code) === CLD_EXITED ? Number(how.status) : 128 + Number(how.status);
  return { name, pid: Number(pid), exitStatus, time: how.time };
}

function gone(): Error {
  return Object.assign(new Error("the keeper is gone"), { code: "EPIPE", errno: 32, syscall: "keeper" });
}

function failure(request: string, errno: number, call: string): Error {
  const code = errnoName(errno);
  const message = `keeper ${request}${call ? `: ${call}` : ""}: ${code}`;
  return Object.assign(new Error(message), { code, errno, syscall: call || request });
}
