import type { ShimContext, ShimEvent } from "./context.ts";
import type { ContainerProcess } from "./process/process.ts";

/** Publishes the events of one container. */
export class ContainerEvents {
  readonly #context: ShimContext;
  readonly #id: string;

  constructor(context: ShimContext, id: string) {
    this.#context = context;
    this.#id = id;
  }

  /** @param target the process that the event is about; without one it is about the container */
  publish(topic: ShimEvent["topic"], target?: ContainerProcess): void {
    const { clock, events, journal } = this.#context;
    const exit = target?.exited;
    const event = {
      time: topic === "exit" && exit ? exit.exitedAt : clock.now(),
      topic,
      id: this.#id,
      ...(target?.execId === undefined ? {} : { execId: target.execId }),
      ...(target && target.pid > 0 ? { pid: target.pid } : {}),
      ...(exit ? { exitStatus: exit.exitStatus } : {}),
      ...(exit?.reason === undefined ? {} : { reason: exit.reason }),
    };
    journal.addEvent({ ...event, sequence: events.last + 1 });
    events.append(event);
  }
}
