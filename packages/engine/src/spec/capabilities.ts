import { capabilityNames } from "@gantry/native-sys";
import { defaultCapabilities } from "@gantry/oci-spec/runtime";
import { invalid } from "../base/errors.ts";

export interface CapabilityRequest {
  readonly privileged: boolean;
  readonly add: readonly string[];
  readonly drop: readonly string[];
  /** The engine's own bounding set. */
  readonly available: readonly string[];
}

/**
 * The capabilities of a container: Docker's default set, changed by CapAdd and CapDrop.
 * @throws RpcError InvalidArgument naming a capability that does not exist or is not available on this host
 */
export function containerCapabilities(request: CapabilityRequest): string[] {
  const { available } = request;
  if (request.privileged) return [...available];
  const add = normalize("CapAdd", request.add, available);
  const drop = normalize("CapDrop", request.drop, available);
  const base = add.includes("ALL")
    ? available
    : drop.includes("ALL")
      ? []
      : defaultCapabilities.filter((name) => available.includes(name));
  const kept = base.filter((name) => !drop.includes(name));
  const extra = add.filter((name) => name !== "ALL" && !kept.includes(name) && !base.includes(name));
  return [...kept, ...extra];
}

function normalize(field: string, names: readonly string[], available: readonly string[]): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === "ALL" || upper === "CAP_ALL") return "ALL";
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!capabilityNames.includes(name)) throw invalid(`invalid ${field}: unknown capability: "${name}"`);
    if (field === "CapAdd" && !available.includes(name)) {
      throw invalid(`invalid ${field}: capability not supported by your kernel or not available: "${name}"`);
    }
    return name;
  });
}
