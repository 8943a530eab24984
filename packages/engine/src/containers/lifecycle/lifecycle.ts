import { Mutex } from "@gantry/common/mutex";

/** How a run ended. */
export interface ExitReport {
  readonly exitCode: number;
  readonly error: string;
}

/** One run of a container's process: the current one, or the next one while no process exists. */
export class Run {
  readonly #exited = Promise.withResolvers<ExitReport>();
  /** The kernel reported that the container ran out of memory. */
  outOfMemory = false;

  /** Resolves at the end of the run, before its resources are released. */
  get exited(): Promise<ExitReport> {
    return this.#exited.promise;
  }

  announceExit(report: ExitReport): void {
    this.#exited.resolve(report);
  }
}

/**
 * The part of a container's lifecycle that lives in memory: its lock, its current run, and what follows an exit. States
 * and decisions that must survive the engine are in the container's document.
 */
export class Lifecycle {
  readonly #lock = new Mutex();
  readonly #removed = Promise.withResolvers<ExitReport>();
  #isRemoved = false;
  #run = new Run();
  #autoRemoval: Promise<void> | undefined;
  #taskDeletion: Promise<void> = Promise.resolve();
  #restartTimer: NodeJS.Timeout | undefined;

  /**
   * Runs one operation at a time, in order of arrival. State is read and changed only here, so that each operation
   * sees the result of those before it. Must not be nested.
   */
  exclusive<T>(operation: () => Promise<T>): Promise<T> {
    return this.#lock.run(operation);
  }

  /** Resolves once the operations requested so far are over. */
  settled(): Promise<void> {
    return this.#lock.run(async () => {});
  }

  get run(): Run {
    return this.#run;
  }

  /** Announces the end of the current run, once; waiters that come later wait for the next one. */
  endRun(report: ExitReport): void {
    const ended = this.#run;
    this.#run = new Run();
    ended.announceExit(report);
  }

  /** Deletion of the last run's task; a start and the removal of the root file system must come after it. */
  get taskDeletion(): Promise<void> {
    return this.#taskDeletion;
  }

  set taskDeletion(deletion: Promise<void>) {
    this.#taskDeletion = deletion;
  }

  /** The removal that follows an exit of a container with AutoRemove, while it is under way. */
  get autoRemoval(): Promise<void> | undefined {
    return this.#autoRemoval;
  }

  /** Starts the removal; a failure is reported by its caller and allows another removal. */
  startAutoRemoval(removal: Promise<void>): void {
    this.#autoRemoval = removal.finally(() => {
      this.#autoRemoval = undefined;
    });
  }

  /** Resolves with the last exit once the container is removed. */
  get removed(): Promise<ExitReport> {
    return this.#removed.promise;
  }

  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  announceRemoval(report: ExitReport): void {
    this.#isRemoved = true;
    this.#removed.resolve(report);
  }

  /** Calls back after a delay, unless the restart is cancelled before. */
  scheduleRestart(delayMs: number, restart: () => void): void {
    this.cancelRestart();
    this.#restartTimer = setTimeout(restart, delayMs);
  }

  cancelRestart(): void {
    clearTimeout(this.#restartTimer);
    this.#restartTimer = undefined;
  }
}
