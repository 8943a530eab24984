import type { IdMapping } from "@gantry/oci-spec/runtime";
import { CommandError } from "../command.ts";
import type { ContainerSpec } from "./default-spec.ts";

/** CONTAINER:HOST:LENGTH. @throws CommandError */
export function parseIdMap(text: string, flag: string): IdMapping {
  const [, container, host, length] = /^(\d+):(\d+):(\d+)$/.exec(text) ?? [];
  if (container === undefined) {
    throw new CommandError(`${flag} "${text}": expected CONTAINER-ID:HOST-ID:LENGTH, such as 0:100000:65536`);
  }
  return { containerID: Number(container), hostID: Number(host), size: Number(length) };
}

/** Gives the container its own user namespace. */
export function addUserNamespace(spec: ContainerSpec, uids: IdMapping, gids: IdMapping): void {
  spec.linux.uidMappings = [uids];
  spec.linux.gidMappings = [gids];
  spec.linux.namespaces.push({ type: "user" });
}
