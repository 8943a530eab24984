import { expiryOf } from "../metadata/leases.ts";
import type { Stores } from "../stores.ts";
import { type Collected, collect } from "./collect.ts";

/** Deletions that come together are one collection. */
const delayMs = 100;
/** setTimeout takes no more. */
const maxTimeoutMs = 2 ** 31 - 1;

/** Says when collection runs: some time after deletions, when leases expire, and when it is asked for. */
export class Collector {
  readonly #stores: Stores;
  readonly #onError: (error: unknown) => void;
  readonly #timers = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();

  constructor(stores: Stores, onError: (error: unknown) => void) {
    this.#stores = stores;
    this.#onError = onError;
  }

  /** Collects in every namespace, and waits for the leases that are there to expire. */
  start(): void {
    for (const { name } of this.#stores.metadata.namespaces.list()) this.run(name);
  }

  /** Something may be needed no longer. Nobody waits for the collection. */
  schedule(namespace: string, inMs = delayMs): void {
    const at = Date.now() + inMs;
    const present = this.#timers.get(namespace);
    if (present && present.at <= at) return;
    clearTimeout(present?.timer);
    const timer = setTimeout(() => this.#runScheduled(namespace), Math.min(inMs, maxTimeoutMs));
    timer.unref();
    this.#timers.set(namespace, { at, timer });
  }

  /** Collects now. */
  run(namespace: string): Collected {
    const collected = collect(this.#stores, namespace);
    const times = this.#stores.metadata.leases.list(namespace).map((lease) => expiryOf(lease) ?? Infinity);
    const next = Math.min(...times);
    if (next !== Infinity) this.schedule(namespace, Math.max(next - Date.now(), delayMs));
    return collected;
  }

  close(): void {
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #runScheduled(namespace: string): void {
    this.#timers.delete(namespace);
    try {
      this.run(namespace);
    } catch (error) {
      this.#onError(error);
    }
  }
}
