import type { Clock } from "@gantry/common/clock";
import { EventLog } from "@gantry/ipc";
import type { EngineEvent } from "@gantry/ipc/contracts/engine-types";

/** Events kept for `events --since`. */
const KEPT = 1024;

type EventType = EngineEvent["Type"];

/** Publishes the engine's events to its subscribers. */
export class EventHub {
  readonly log = new EventLog<EngineEvent>(KEPT);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  emit(type: EventType, action: string, id: string, attributes: Readonly<Record<string, string>>): void {
    const ns = this.#clock.nowNs();
    this.log.append({
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: { ...attributes } },
      scope: "local",
      time: Number(ns / 1_000_000_000n),
      timeNano: ns.toString(),
    });
  }
}
