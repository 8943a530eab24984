import type { Container } from "./container.ts";
import type { World } from "./world.ts";

/** Tells of something that happened to a container, with the attributes that Docker gives: labels, image, name. */
export function containerEvent(
  world: Pick<World, "events">,
  container: Container,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const { config, name } = container.document;
  const all = { ...config.Labels, image: config.Image, name, ...attributes };
  world.events.emit("container", action, container.id, all);
}

/** Tells that a container's volumes come into use, or are so no more. */
export function volumeEvents(world: Pick<World, "events">, container: Container, action: "mount" | "unmount"): void {
  const { id, mounts } = container.document;
  for (const { Type, Name = "", Destination, RW, Propagation } of mounts) {
    if (Type !== "volume") continue;
    const mounted = { destination: Destination, propagation: Propagation, "read/write": String(RW) };
    const attributes = { container: id, driver: "local", ...(action === "mount" ? mounted : {}) };
    world.events.emit("volume", action, Name, attributes);
  }
}
