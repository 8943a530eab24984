import { CAPABILITIES } from "@gantry/native-sys";
import type { Capabilities, CapabilitySet } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import type { Op } from "./op.ts";

/** Capability sets as bit masks; names that the running kernel does not know yet are left out, as runtime-spec says. */
export function capabilityMask(capabilities: Capabilities, set: CapabilitySet, last: number): bigint {
  let mask = 0n;
  for (const name of capabilities[set] ?? []) {
    const number = (CAPABILITIES as Readonly<Record<string, number>>)[name];
    if (number !== undefined && number <= last) mask |= 1n << BigInt(number);
  }
  return mask;
}

/** Names among the capabilities that this runtime does not know: worth a warning. */
export function unknownCapabilities(capabilities: Capabilities): string[] {
  return [...new Set(Object.values(capabilities).flat())].filter((name) => !Object.hasOwn(CAPABILITIES, name));
}

/** Before the user changes. Without a `capabilities` object the process gets none. */
export function boundingOp(capabilities: Capabilities | undefined, facts: Facts): Op {
  const mask = capabilityMask(capabilities ?? {}, "bounding", facts.lastCapability);
  return { op: "boundingSet", why: "process.capabilities.bounding", mask };
}

/** After the user has changed. Ambient capabilities can only be among the permitted and inheritable ones. */
export function capabilitiesOp(capabilities: Capabilities | undefined, facts: Facts): Op {
  const mask = (set: CapabilitySet) => capabilityMask(capabilities ?? {}, set, facts.lastCapability);
  return {
    op: "capabilities",
    why: "process.capabilities",
    effective: mask("effective") & mask("permitted"),
    permitted: mask("permitted"),
    inheritable: mask("inheritable"),
    ambient: mask("ambient") & mask("permitted") & mask("inheritable"),
  };
}
