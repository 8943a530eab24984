import type { BackgroundTasks } from "@gantry/common/background-tasks";
import type { NativeSys } from "@gantry/native-sys";
import { removeShimFiles } from "./fifos.ts";
import { type ShimOptions, type StartedShim, startShim } from "./shim.ts";

export interface StandbyOptions extends ShimOptions {
  readonly native: NativeSys;
  /** Shims kept ready; 0: each is started when it is needed. */
  readonly size: number;
  readonly onError: (error: unknown) => void;
}

/** Idle time after which missing shims are started, and the longest time that they stay missing. */
const quietMs = 15;
const longestGapMs = 300;
/** Pause after a shim that could not be started; doubled each time. */
const firstPauseMs = 200;
const longestPauseMs = 30_000;

/**
 * Standby shims. Starting a shim takes as long as a start of Node, so shims are started ahead of their containers, while
 * the supervisor is idle.
 */
export class StandbyPool {
  readonly #options: StandbyOptions;
  readonly #background: BackgroundTasks;
  readonly #ready: StartedShim[] = [];
  readonly #starting = new Set<Promise<StartedShim>>();
  #timer: NodeJS.Timeout | undefined;
  #gapSince: number | undefined;
  #busy = 0;
  #failures = 0;
  #closed = false;

  constructor(options: StandbyOptions, background: BackgroundTasks) {
    this.#options = options;
    this.#background = background;
  }

  /** Starts to fill the pool. */
  open(): void {
    this.#schedule(0);
  }

  /** A shim for a container: a standby, else a starting one, else a new one. @throws RpcError Unavailable */
  async take(): Promise<StartedShim> {
    const ready = this.#ready.shift();
    this.#schedule(quietMs);
    if (ready) return ready;
    const [starting] = this.#starting;
    if (!starting) return await startShim(this.#options);
    this.#starting.delete(starting);
    return await starting;
  }

  /** Marks the supervisor as busy until it is disposed of: filling the pool is postponed. */
  busy(): Disposable {
    this.#busy += 1;
    return {
      [Symbol.dispose]: () => {
        this.#busy -= 1;
        if (this.#missing > 0) this.#schedule(quietMs);
      },
    };
  }

  /** Ends the standby shims. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const shim of this.#ready.splice(0)) this.#discard(shim);
    for (const starting of this.#starting) starting.then((shim) => this.#discard(shim)).catch(() => {});
    this.#starting.clear();
  }

  get #missing(): number {
    return this.#options.size - this.#ready.length - this.#starting.size;
  }

  #schedule(delayMs: number): void {
    if (this.#closed || this.#options.size === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fill(), delayMs).unref();
  }

  #fill(): void {
    if (this.#missing <= 0) {
      this.#gapSince = undefined;
      return;
    }
    this.#gapSince ??= performance.now();
    if (this.#busy > 0 && performance.now() - this.#gapSince < longestGapMs) {
      this.#schedule(quietMs);
      return;
    }
    this.#start();
  }

  /** One at a time: two would only share a processor. */
  #start(): void {
    const starting = startShim(this.#options);
    this.#starting.add(starting);
    starting.then(
      (shim) => {
        this.#failures = 0;
        if (this.#starting.delete(starting)) this.#keep(shim);
        this.#schedule(quietMs);
      },
      (error) => {
        if (this.#starting.delete(starting)) this.#options.onError(error);
        this.#failures += 1;
        this.#schedule(Math.min(firstPauseMs * 2 ** this.#failures, longestPauseMs));
      },
    );
  }

  #keep(shim: StartedShim): void {
    if (this.#closed) {
      this.#discard(shim);
      return;
    }
    this.#ready.push(shim);
    // The first message takes the longest.
    shim.client.call("connect", {}).catch(() => {});
    shim.onEnd(() => {
      const at = this.#ready.indexOf(shim);
      if (at < 0) return;
      this.#ready.splice(at, 1);
      this.#discard(shim);
      this.#schedule(firstPauseMs);
    });
  }

  #discard(shim: StartedShim): void {
    shim.discard();
    this.#background.add("removing a standby shim's directory", () =>
      removeShimFiles(this.#options.native, shim.directory),
    );
  }
}
