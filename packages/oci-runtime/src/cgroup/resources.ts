import { type DeviceRule, defaultDeviceRules, type Resources } from "@gantry/oci-spec/runtime";
import type { LimitContext } from "./types.ts";

const [denyAll, ...standard] = defaultDeviceRules;

/**
 * The limits that a new container gets: those of its configuration, and always the devices that runtime-spec promises
 * every container. Without any rules of its own it gets no others.
 */
export function containerResources(resources: Resources | undefined): Resources {
  const own: readonly DeviceRule[] = resources?.devices ?? [];
  const devices = [...(own.length > 0 ? own : denyAll ? [denyAll] : []), ...(allowsAll(own) ? [] : standard)];
  return { ...resources, devices };
}

function allowsAll(rules: readonly DeviceRule[]): boolean {
  const last = rules.at(-1);
  return last?.allow === true && (!last.type || last.type === "a");
}

/** Whether device rules are set: in a user namespace no devices can be made, and the kernel takes no rules. */
export function enforcesDevices({ facts }: LimitContext): boolean {
  return facts.privileged && !facts.inUserNamespace;
}
