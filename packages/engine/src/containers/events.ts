import type { EventHub } from "../system/event-hub.ts";
import type { Container } from "./container.ts";

export interface EventDeps {
  readonly events: EventHub;
}

/** Emits a container's event with the attributes that Docker gives it: labels, image, name. */
export function containerEvent(
  deps: EventDeps,
  container: Container,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const { config, name } = container.document;
  const all = { ...config.Labels, image: config.Image, name, ...attributes };
  deps.events.emit("container", action, container.id, all);
}

/** Emits that a container's volumes are mounted or unmounted. */
export function volumeEvents(deps: EventDeps, container: Container, action: "mount" | "unmount"): void {
  const { id, mounts } = container.document;
  for (const { Type, Name = "", Destination, RW, Propagation } of mounts) {
    if (Type !== "volume") continue;
    const mounted = { destination: Destination, propagation: Propagation, "read/write": String(RW) };
    const attributes = { container: id, driver: "local", ...(action === "mount" ? mounted : {}) };
    deps.events.emit("volume", action, Name, attributes);
  }
}
