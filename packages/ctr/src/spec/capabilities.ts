import { CommandError } from "../command.ts";
import type { ContainerSpec } from "./default-spec.ts";

/**
 * Adds and drops capabilities.
 * @throws CommandError for a name without CAP_, or an unknown one
 */
export async function changeCapabilities(spec: ContainerSpec, add: readonly string[], drop: readonly string[]) {
  const names = [...add, ...drop];
  if (names.length === 0) return;
  if (names.some((name) => !name.startsWith("CAP_"))) {
    throw new CommandError("capabilities must be specified with 'CAP_' prefix");
  }
  const { capabilityNames } = await import("@gantry/native-sys");
  const unknown = names.find((name) => !capabilityNames.includes(name));
  if (unknown !== undefined) throw new CommandError(`unknown capability: "${unknown}"`);
  const now = spec.process.capabilities?.bounding ?? [];
  setCapabilities(
    spec,
    [...new Set([...now, ...add])].filter((name) => !drop.includes(name)),
  );
}

/** All capabilities that this process can grant. */
export async function allCapabilities(): Promise<string[]> {
  const { capabilitiesOfMask } = await import("@gantry/native-sys");
  const { readFile } = await import("node:fs/promises");
  const status = await readFile("/proc/self/status", "utf8");
  return capabilitiesOfMask(/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0");
}

export function setCapabilities(spec: ContainerSpec, names: readonly string[]): void {
  spec.process.capabilities = { bounding: [...names], effective: [...names], permitted: [...names] };
}
