import type { HostConfig } from "@gantry/ipc/contracts/engine-types";
import { containerMode, containerOf } from "../../spec/namespaces.ts";
import type { Registry } from "../registry.ts";

/**
 * Settings that name another container, with its id in place of its name: they keep meaning that one after it is
 * renamed, or removed and created anew.
 * @throws RpcError NotFound
 */
export function withContainerIds(registry: Registry, host: HostConfig): HostConfig {
  const byId = (mode: string | undefined) => {
    const container = containerOf(mode);
    return container === undefined ? mode : containerMode(registry.find(container).id);
  };
  return {
    ...host,
    ...definedModes({ NetworkMode: byId(host.NetworkMode), PidMode: byId(host.PidMode), IpcMode: byId(host.IpcMode) }),
  };
}

function definedModes(modes: Readonly<Record<string, string | undefined>>): Partial<HostConfig> {
  return Object.fromEntries(Object.entries(modes).filter(([, mode]) => mode !== undefined));
}
