import { writeFileSync } from "node:fs";
import type { IdMapping, Linux } from "@gantry/oci-spec/runtime";

/** Writes the id maps of a new user namespace (user_namespaces(7)), from outside it as the kernel demands. */
export function writeIdMaps(pid: number, linux: Linux, privileged: boolean): void {
  // Without rights over groups the kernel wants setgroups(2) given up first.
  if (!privileged) writeMap(`/proc/${pid}/setgroups`, "deny", "linux.gidMappings");
  writeMap(`/proc/${pid}/uid_map`, lines(linux.uidMappings ?? []), "linux.uidMappings");
  writeMap(`/proc/${pid}/gid_map`, lines(linux.gidMappings ?? []), "linux.gidMappings");
}

/** Writes the offsets of a new time namespace (time_namespaces(7)), while no process is in it yet. */
export function writeTimeOffsets(pid: number, { timeOffsets = {} }: Linux): void {
  const text = Object.entries(timeOffsets).map(
    ([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`,
  );
  writeMap(`/proc/${pid}/timens_offsets`, text.join(""), "linux.timeOffsets");
}

function lines(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}

function writeMap(path: string, text: string, field: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new Error(`${field} cannot be used: writing ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
