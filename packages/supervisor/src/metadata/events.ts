import { EventLog } from "@gantry/ipc";
import { type SupervisorEvent, type SupervisorTopic, supervisorEvent } from "@gantry/ipc/contracts/supervisor";
import type { Database } from "./database.ts";
import { jsonColumns, now, type Row } from "./rows.ts";

/** Events kept for subscribers that reconnect. */
const kept = 1024;

const json = jsonColumns("events", ["sequence"]);

/** An event of the supervisor itself, or one that a client publishes. */
export type NewEvent = Pick<SupervisorEvent, "namespace" | "id"> &
  ({ readonly topic: SupervisorTopic } | { readonly topic: string; readonly data?: SupervisorEvent["data"] }) &
  Partial<Pick<SupervisorEvent, "execId" | "pid" | "exitStatus" | "reason" | "time">>;

/**
 * The events that the supervisor publishes. Each is written in the transaction of the change that it reports, so a
 * supervisor that was killed continues with the same numbers and can replay its earlier events.
 */
export class Events {
  readonly #db: Database;
  readonly #log: EventLog<SupervisorEvent>;
  readonly #insert;
  readonly #trim;

  /** @param onUnreadable called for a row that cannot be read: subscribers can then replay only the events after it */
  constructor(db: Database, onUnreadable: (error: unknown) => void) {
    this.#db = db;
    this.#insert = db.prepare("INSERT INTO events (sequence, event) VALUES (?, ?)");
    this.#trim = db.prepare("DELETE FROM events WHERE sequence <= ?");
    const newestFirst = db.prepare("SELECT sequence, event FROM events ORDER BY sequence DESC LIMIT ?").all(kept);
    const readable = readUntilBroken(newestFirst, onUnreadable);
    this.#log = new EventLog(kept, Number(newestFirst[0]?.sequence ?? 0) - readable.length);
    for (const event of readable.reverse()) this.#log.append(event);
  }

  get last(): number {
    return this.#log.last;
  }

  /**
   * Applies a change and publishes the events that report it. The change is durable before a subscriber sees them.
   * @param change returns its result and the events
   * @param isSynced true: the change survives a loss of power
   */
  publishing<T>(change: () => { result: T; events: readonly NewEvent[] }, isSynced = false): T {
    const write = () => {
      const { result, events } = change();
      const numbered = events.map((event, at) => ({ time: now(), ...event, sequence: this.#log.last + 1 + at }));
      for (const event of numbered) {
        this.#insert.run(event.sequence, JSON.stringify(event));
        if (event.sequence % 256 === 0) this.#trim.run(event.sequence - kept);
      }
      return { result, events: numbered };
    };
    const { result, events } = isSynced ? this.#db.durableTransaction(write) : this.#db.transaction(write);
    for (const { sequence: _, ...event } of events) this.#log.append(event);
    return result;
  }

  /** Publishes one event. */
  publish(event: NewEvent): void {
    this.publishing(() => ({ result: undefined, events: [event] }));
  }

  /** @param from number of the first event; 0: all that are kept; undefined: new events only */
  subscribe(from: number | undefined, signal: AbortSignal): AsyncGenerator<SupervisorEvent> {
    return this.#log.subscribe(from, signal);
  }

  close(): void {
    this.#log.close();
  }
}

/** Events are numbered without gaps: those before an unreadable one cannot be replayed either. */
function readUntilBroken(newestFirst: readonly Row[], onUnreadable: (error: unknown) => void): SupervisorEvent[] {
  const events: SupervisorEvent[] = [];
  for (const row of newestFirst) {
    try {
      events.push(json.read(row, "event", supervisorEvent));
    } catch (error) {
      onUnreadable(error);
      break;
    }
  }
  return events;
}
