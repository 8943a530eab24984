import type { Container } from "./container.ts";
import { checkedName } from "./create/names.ts";
import { containerEvent, type EventDeps } from "./events.ts";
import { type FileDeps, updateNeighbours } from "./files.ts";
import { admit } from "./lifecycle/table.ts";

/** `docker rename`. @throws RpcError InvalidArgument for a bad name, AlreadyExists for a name in use */
export function renameContainer(deps: EventDeps & FileDeps, container: Container, name: string): Promise<void> {
  return container.lifecycle.exclusive(async () => {
    admit("rename", container);
    const oldName = `/${container.document.name}`;
    deps.registry.rename(container, checkedName(name));
    containerEvent(deps, container, "rename", { oldName });
    await updateNeighbours(deps, container.document);
  });
}
