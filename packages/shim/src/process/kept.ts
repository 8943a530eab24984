import { rmSync } from "node:fs";
import { RpcError } from "@gantry/ipc";
import { keeperPath } from "@gantry/ipc/formats/shim-directory";
import { KeeperClient, type KeeperState, type KeptExit, startKeeper } from "@gantry/keeper";
import { isSystemError, type NativeSys, P_PID } from "@gantry/native-sys";

export type OnExit = (exit: KeptExit) => void;

export interface KeptHooks {
  /** The keeper was killed: its processes have lost their parent, and their exits are lost. */
  readonly onDeath: () => void;
  /** Another shim has taken the keeper over: this one must not touch the container any more. */
  readonly onReplaced: () => void;
}

/**
 * The processes and descriptors that a container's keeper keeps for this shim, each by its name. The keeper is the
 * processes' parent, so a process may end before its pid is known here: while one is expected (`expect`), the keeper
 * leaves unknown children unreaped.
 */
export class Kept {
  readonly client: KeeperClient;
  /** The keeper's socket. */
  readonly path: string;
  /** State that an earlier shim left there. */
  readonly found: KeeperState;
  readonly #exits: Map<string, KeptExit>;
  readonly #watched = new Map<string, OnExit>();
  #expected = 0;

  private constructor(client: KeeperClient, path: string, found: KeeperState, exits: Map<string, KeptExit>) {
    this.client = client;
    this.path = path;
    this.found = found;
    this.#exits = exits;
  }

  /** Starts the keeper of a directory, as a child of this process that outlives it. @throws the system's error */
  static async start(sys: NativeSys, directory: string, hooks: KeptHooks): Promise<Kept> {
    const pid = startKeeper(sys, keeperPath(directory));
    const reap = () => {
      if (sys.waitid(P_PID, pid, 0) !== null) process.off("SIGCHLD", reap);
    };
    process.on("SIGCHLD", reap);
    return Kept.connect(sys, directory, hooks);
  }

  /** Takes the keeper over that an earlier shim started. @throws the system's error when it has ended */
  static async connect(sys: NativeSys, directory: string, { onDeath, onReplaced }: KeptHooks): Promise<Kept> {
    const exits = new Map<string, KeptExit>();
    let kept: Kept | undefined;
    const path = keeperPath(directory);
    const client = await KeeperClient.connect(sys, path, {
      onExit: (exit) => {
        if (kept) kept.#take(exit);
        else exits.set(exit.name, exit);
      },
      onEnd: (reason) => (reason === "ended" ? onDeath() : onReplaced()),
    });
    kept = new Kept(client, path, await client.list(), exits);
    return kept;
  }

  /** Until it is disposed of, the exit of a process that the caller is about to have made cannot be lost. */
  async expect(): Promise<AsyncDisposable> {
    this.#expected += 1;
    if (this.#expected === 1) await this.client.settle(true);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#expected -= 1;
        if (this.#expected === 0 && this.client.isOpen) await this.client.settle(false);
      },
    };
  }

  /** Reports the exit of a named process once, at once if it has ended. */
  watch(name: string, onExit: OnExit): void {
    const exit = this.#exits.get(name);
    this.#exits.delete(name);
    if (exit) onExit(exit);
    else this.#watched.set(name, onExit);
  }

  /** Resolves with the exit of a named process. */
  exitOf(name: string): Promise<KeptExit> {
    return new Promise((resolve) => this.watch(name, resolve));
  }

  /** @throws RpcError NotFound when it has ended, InvalidArgument for no signal */
  async signal(name: string, label: string, signal: number): Promise<void> {
    try {
      await this.client.signal(name, signal);
    } catch (error) {
      if (isSystemError(error, "ESRCH")) throw new RpcError("NotFound", `${label} has ended already`);
      if (!isSystemError(error, "EINVAL")) throw error;
      throw new RpcError("InvalidArgument", `signal ${signal} is none: it must be from 1 to 64`);
    }
  }

  /** The exit is recorded: the keeper may forget it. */
  async acknowledge(name: string): Promise<void> {
    if (this.client.isOpen) await this.client.acknowledge(name);
  }

  /** Closes the keeper's copies of descriptors. */
  async drop(...names: readonly string[]): Promise<void> {
    if (names.length > 0 && this.client.isOpen) await this.client.drop(...names);
  }

  /** Ends the keeper, which has nothing to keep any more. */
  async end(): Promise<void> {
    if (this.client.isOpen) await this.client.shutdown().catch(() => undefined); // it ended by itself
    this.client.close();
    rmSync(this.path, { force: true });
  }

  #take(exit: KeptExit): void {
    const onExit = this.#watched.get(exit.name);
    this.#watched.delete(exit.name);
    if (onExit) onExit(exit);
    else this.#exits.set(exit.name, exit);
  }
}
