import type { Metadata } from "../metadata/index.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function namespaceService({ namespaces, events }: Metadata): ServiceHandlers<"namespaces"> {
  const publish = (topic: "create" | "update" | "delete", name: string) =>
    events.publish({ namespace: name, topic: `/namespaces/${topic}`, id: name });
  return {
    "namespaces.create": async ({ name, labels }) => {
      namespaces.create(name, labels);
      publish("create", name);
      return {};
    },
    "namespaces.get": async ({ name }) => namespaces.get(name),
    "namespaces.list": async () => ({ namespaces: namespaces.list() }),
    "namespaces.label": async ({ name, labels }) => {
      namespaces.label(name, labels);
      publish("update", name);
      return {};
    },
    "namespaces.delete": async ({ name }) => {
      namespaces.delete(name);
      publish("delete", name);
      return {};
    },
  };
}
