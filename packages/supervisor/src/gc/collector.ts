import { expiryOf } from "../metadata/leases.ts";
import type { Stores } from "../stores.ts";
import { type Collected, collect } from "./collect.ts";

/** Deletions within this time share one collection. */
const delayMs = 100;
/** Limit of setTimeout. */
const maxTimeoutMs = 2 ** 31 - 1;

/** Runs collections: soon after deletions, when leases expire, and on request. */
export class Collector {
  readonly #stores: Stores;
  readonly #onError: (error: unknown) => void;
  readonly #timers = new Map<string, { readonly at: number; readonly timer: NodeJS.Timeout }>();

  constructor(stores: Stores, onError: (error: unknown) => void) {
    this.#stores = stores;
    this.#onError = onError;
  }

  /** Collects in every namespace, and schedules the next collection for when a lease expires. */
  start(): void {
    for (const { name } of this.#stores.metadata.namespaces.list()) this.run(name);
  }

  /** Schedules a collection. */
  schedule(namespace: string, inMs = delayMs): void {
    const at = Date.now() + inMs;
    const present = this.#timers.get(namespace);
    if (present && present.at <= at) return;
    clearTimeout(present?.timer);
    const timer = setTimeout(() => this.#runScheduled(namespace), Math.min(inMs, maxTimeoutMs));
    timer.unref();
    this.#timers.set(namespace, { at, timer });
  }

  /** Collects at once. */
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
