import { CAPABILITIES } from "@gantry/native-sys";
import type { Capabilities, CapabilitySet, Linux } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import type { Op } from "./op.ts";
import { entryOf } from "./table.ts";

/** The capabilities that a container's process may have: in a user namespace all that the kernel has, else what the runtime has. */
export interface Grantor {
  readonly facts: Facts;
  readonly linux: Linux;
}

function grantable({ facts, linux }: Grantor): bigint {
  const known = (1n << BigInt(facts.lastCapability + 1)) - 1n;
  const all = (linux.namespaces ?? []).some(({ type }) => type === "user");
  return all ? known : known & BigInt(`0x${facts.permittedCapabilities}`);
}

function bit(name: string): bigint {
  const number = entryOf<number>(CAPABILITIES, name);
  return number === undefined ? 0n : 1n << BigInt(number);
}

/** Names that the kernel does not know or that cannot be granted: worth a warning, and no failure, says runtime-spec. */
export function ignoredCapabilities(capabilities: Capabilities, grantor: Grantor): string[] {
  const names = new Set(Object.values(capabilities).flat());
  return [...names].filter((name) => (bit(name) & grantable(grantor)) === 0n);
}

function mask(capabilities: Capabilities | undefined, set: CapabilitySet, grantor: Grantor): bigint {
  return (capabilities?.[set] ?? []).reduce((bits, name) => bits | bit(name), 0n) & grantable(grantor);
}

/** Before the user changes. Without a `capabilities` object the process gets none. */
export function boundingOp(capabilities: Capabilities | undefined, grantor: Grantor): Op {
  return { op: "boundingSet", why: "process.capabilities.bounding", mask: mask(capabilities, "bounding", grantor) };
}

/** After the user has changed. Ambient capabilities can only be among the permitted and inheritable ones. */
export function capabilitiesOp(capabilities: Capabilities | undefined, grantor: Grantor): Op {
  const of = (set: CapabilitySet) => mask(capabilities, set, grantor);
  return {
    op: "capabilities",
    why: "process.capabilities",
    effective: of("effective") & of("permitted"),
    permitted: of("permitted"),
    inheritable: of("inheritable"),
    ambient: of("ambient") & of("permitted") & of("inheritable"),
  };
}
