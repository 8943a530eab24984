import type { SupervisorEvent } from "@gantry/ipc/contracts/supervisor";
import { type Fields, parseFilters } from "../filters.ts";
import type { Metadata } from "../metadata/index.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function eventService({ events, namespaces }: Metadata): ServiceHandlers<"events"> {
  return {
    "events.subscribe": async ({ namespace, from, filters }, { send, signal }) => {
      const matches = parseFilters(filters);
      for await (const event of events.subscribe(from, signal)) {
        if (namespace !== undefined && event.namespace !== namespace) continue;
        if (matches(eventFields(event))) await send(event);
      }
      return {};
    },
    "events.publish": async ({ namespace, topic, id = "", data }) =>
      events.publishing(() => {
        namespaces.ensure(namespace);
        const event = { namespace, topic, id, ...(data === undefined ? {} : { data }) };
        return { result: { sequence: events.last + 1 }, events: [event] };
      }),
  };
}

/** Filter fields: topic, namespace, and event.FIELD for fields of the event and of a client's data. */
function eventFields(event: SupervisorEvent): Fields {
  return (path) => {
    const [first = "", ...rest] = path;
    if (first !== "event") return first === "topic" || first === "namespace" ? event[first] : undefined;
    let value: unknown = { ...event.data, ...event };
    for (const name of rest) {
      value = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
    }
    return value === undefined || typeof value === "object" ? undefined : String(value);
  };
}
