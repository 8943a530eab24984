import type { Metadata } from "../metadata/index.ts";
import { removeNamespaceCgroup } from "../namespace-cgroup.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function namespaceService({ namespaces, events }: Metadata): ServiceHandlers<"namespaces"> {
  const changing = (verb: "create" | "update" | "delete", name: string, change: () => void) =>
    events.publishing(() => {
      change();
      return { result: {}, events: [{ namespace: name, topic: `/namespaces/${verb}`, id: name }] };
    });
  return {
    "namespaces.create": async ({ name, labels }) => changing("create", name, () => namespaces.create(name, labels)),
    "namespaces.get": async ({ name }) => namespaces.get(name),
    "namespaces.list": async () => ({ namespaces: namespaces.list() }),
    "namespaces.label": async ({ name, labels }) => changing("update", name, () => namespaces.label(name, labels)),
    "namespaces.delete": async ({ name, cgroup }) =>
      changing("delete", name, () => {
        namespaces.delete(name);
        if (cgroup) removeNamespaceCgroup(name);
      }),
  };
}
