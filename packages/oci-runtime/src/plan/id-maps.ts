import type { IdMapping, Linux } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";

/** True for the one mapping that any user may write without help: its own id, alone. */
export function isOwnId(mappings: readonly IdMapping[], id: number): boolean {
  const [only] = mappings;
  return mappings.length === 1 && only?.size === 1 && only.hostID === id;
}

/** Whether processes of the container can have groups: the kernel wants them given up with such a mapping. */
export function maySetGroups({ namespaces = [], gidMappings = [] }: Linux, { privileged, gid }: Facts): boolean {
  if (privileged || !namespaces.some(({ type }) => type === "user")) return true;
  return gidMappings.length > 0 && !isOwnId(gidMappings, gid);
}
