import type { MemoryLimits } from "@gantry/oci-spec/runtime";

/**
 * `checkBeforeUpdate`: a limit below the usage would have the kernel kill processes.
 * @param used bytes
 * @throws Error
 */
export function checkMemory({ limit }: MemoryLimits, used: number): void {
  if (limit !== undefined && limit > 0 && limit < used)
    throw new Error(`linux.resources.memory.limit: ${limit} bytes are less than the ${used} that are in use`);
}
