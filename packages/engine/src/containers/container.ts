import { Mutex } from "@gantry/common/mutex";
import type { ContainerDocument } from "./document.ts";

/** How a container ended. */
export interface ExitReport {
  readonly exitCode: number;
  readonly error: string;
}

/** Told once, to whoever waits. */
export class Signalled<T> {
  #resolve: (value: T) => void = () => {};
  readonly promise: Promise<T> = new Promise((resolve) => {
    this.#resolve = resolve;
  });

  fire(value: T): void {
    this.#resolve(value);
  }
}

/** An attach that was opened before the start. */
export interface WaitingAttachment {
  /** Called once the task exists and before it runs: connects the streams. */
  connect(): void;
  /** The start has failed. */
  fail(error: Error): void;
}

/** A container as the running engine has it: its document, and what lives only in memory. */
export class Container {
  readonly document: ContainerDocument;
  /** One operation at a time. */
  readonly lock = new Mutex();
  /** Fired at each end of the process; then replaced. */
  exited = new Signalled<ExitReport>();
  readonly removed = new Signalled<ExitReport>();
  /** A removal has begun: nothing else may begin. */
  removing = false;
  /** The removal that follows by itself after an exit (AutoRemove); undefined before. */
  autoRemoval: Promise<void> | undefined;
  /** The supervisor's task of the last run is gone; a container cannot be started or cleared away before. */
  taskGone: Promise<void> = Promise.resolve();
  readonly waiting = new Set<WaitingAttachment>();
  /** The supervisor has a record of it. */
  recorded = false;
  /** Starts since this engine began, to tell one run's end from another's. */
  run = 0;
  restartTimer: NodeJS.Timeout | undefined;
  /** Milliseconds until the next restart by policy. */
  backoffMs = 100;
  /** A kernel out-of-memory report came since the start. */
  outOfMemory = false;
  readonly execIds = new Set<string>();

  constructor(document: ContainerDocument) {
    this.document = document;
  }

  get id(): string {
    return this.document.id;
  }

  get report(): ExitReport {
    return { exitCode: this.document.state.ExitCode, error: this.document.state.Error };
  }

  /**
   * Waits for a start that is under way: its process may be heard of before the start is over, and what is done to
   * the container then is not to come too early.
   */
  async settled(): Promise<void> {
    if (!this.alive && this.lock.busy) await this.lock.run(async () => {});
  }

  /** True while a process exists (not while it waits for a restart). */
  get alive(): boolean {
    return this.document.state.Running && !this.document.state.Restarting;
  }
}
