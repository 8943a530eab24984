import { CAPABILITIES } from "./generated/constants.ts";

/** Every capability by its number (capabilities(7)). */
export const capabilityNames: readonly string[] = Object.entries(CAPABILITIES)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name);

/** The names in a mask as /proc/PID/status shows it (CapBnd). */
export function capabilitiesOfMask(hex: string): string[] {
  const mask = BigInt(`0x${hex}`);
  return capabilityNames.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}
