import type { ExecTarget } from "../execs/exec.ts";
import type { Container } from "./container.ts";
import { containerEvent, type EventDeps } from "./events.ts";
import { groupsOf } from "./launch/groups.ts";
import type { RootfsDeps } from "./launch/record.ts";
import { admit } from "./lifecycle/table.ts";

/** A container as the commands that run in it see it. */
export function execTarget(deps: RootfsDeps & EventDeps, container: Container): ExecTarget {
  const { document, lifecycle } = container;
  return {
    id: document.id,
    config: document.config,
    hostConfig: document.hostConfig,
    requireRunning: () =>
      lifecycle.exclusive(async () => {
        admit("exec", container);
      }),
    groups: () => groupsOf(deps, document),
    emit: (action, attributes) => containerEvent(deps, container, action, attributes),
  };
}
