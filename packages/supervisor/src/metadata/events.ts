import { EventLog } from "@gantry/ipc";
import type { SupervisorEvent, SupervisorTopic } from "@gantry/ipc/contracts/supervisor";
import type { Database } from "./database.ts";
import { now } from "./rows.ts";

/** Events kept for those who were away. */
const kept = 1024;

/** One of the supervisor's own, or what a client publishes. */
export type NewEvent = Pick<SupervisorEvent, "namespace" | "id"> &
  ({ readonly topic: SupervisorTopic } | { readonly topic: string; readonly data?: SupervisorEvent["data"] }) &
  Partial<Pick<SupervisorEvent, "execId" | "pid" | "exitStatus" | "reason" | "time">>;

/**
 * What the supervisor publishes. Each event is written with the change that it tells of, in one transaction;
 * so a supervisor that was killed goes on with the same numbers and can repeat what it had said.
 */
export class Events {
  readonly #db: Database;
  readonly #log: EventLog<SupervisorEvent>;
  readonly #insert;
  readonly #trim;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.prepare("INSERT INTO events (sequence, event) VALUES (?, ?)");
    this.#trim = db.prepare("DELETE FROM events WHERE sequence <= ?");
    const rows = db.prepare("SELECT sequence, event FROM events ORDER BY sequence DESC LIMIT ?").all(kept).reverse();
    this.#log = new EventLog(kept, rows[0] ? Number(rows[0].sequence) - 1 : 0);
    for (const row of rows) this.#log.append(JSON.parse(String(row.event)) as SupervisorEvent);
  }

  get last(): number {
    return this.#log.last;
  }

  /**
   * Makes a change and publishes the events that tell of it. The change is durable before a subscriber hears of it.
   * @param change returns its result and the events
   * @param isSynced true: not even a loss of power takes it back
   */
  publishing<T>(change: () => { result: T; events: readonly NewEvent[] }, isSynced = false): T {
    const write = () => {
      const made = change();
      const numbered = made.events.map((event, at) => ({ time: now(), ...event, sequence: this.#log.last + 1 + at }));
      for (const event of numbered) {
        this.#insert.run(event.sequence, JSON.stringify(event));
        if (event.sequence % 256 === 0) this.#trim.run(event.sequence - kept);
      }
      return { result: made.result, events: numbered };
    };
    const { result, events } = isSynced ? this.#db.durableTransaction(write) : this.#db.transaction(write);
    for (const { sequence: _, ...event } of events) this.#log.append(event);
    return result;
  }

  /** Publishes one event. */
  publish(event: NewEvent): void {
    this.publishing(() => ({ result: undefined, events: [event] }));
  }

  /** @param from first number wanted; 0: from now on */
  subscribe(from: number, signal: AbortSignal): AsyncGenerator<SupervisorEvent> {
    return this.#log.subscribe(from === 0 ? this.#log.last + 1 : from, signal);
  }

  close(): void {
    this.#log.close();
  }
}
