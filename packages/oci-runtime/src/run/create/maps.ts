import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import type { IdMapping, Linux } from "@gantry/oci-spec/runtime";
import type { Host } from "../../host.ts";
import { isOwnId } from "../../plan/id-maps.ts";

interface Maps {
  readonly maps: Pick<Linux, "uidMappings" | "gidMappings">;
  /** Where in config.json they stand. */
  readonly field: string;
}

/**
 * Writes the id maps of a new user namespace (user_namespaces(7)), from outside it as the kernel demands. A user
 * without root may map its own id by itself, and others that /etc/subuid and /etc/subgid give it through the programs
 * newuidmap and newgidmap.
 *
 * @throws Error naming the mappings that cannot be used
 */
export async function writeIdMaps({ facts, waitLimitMs }: Host, pid: number, { maps, field }: Maps): Promise<void> {
  const { uidMappings = [], gidMappings = [] } = maps;
  const plain = (mappings: readonly IdMapping[], id: number) => facts.privileged || isOwnId(mappings, id);
  if (plain(uidMappings, facts.uid)) writeMap(`/proc/${pid}/uid_map`, lines(uidMappings), `${field}.uidMappings`);
  else await helperMap("newuidmap", { pid, mappings: uidMappings, field: `${field}.uidMappings`, waitLimitMs });
  if (!plain(gidMappings, facts.gid))
    return helperMap("newgidmap", { pid, mappings: gidMappings, field: `${field}.gidMappings`, waitLimitMs });
  // Without rights over groups the kernel wants setgroups(2) given up first.
  if (!facts.privileged) writeMap(`/proc/${pid}/setgroups`, "deny", `${field}.gidMappings`);
  writeMap(`/proc/${pid}/gid_map`, lines(gidMappings), `${field}.gidMappings`);
}

interface HelperMap {
  readonly pid: number;
  readonly mappings: readonly IdMapping[];
  /** Where in config.json they are. */
  readonly field: string;
  readonly waitLimitMs: number;
}

async function helperMap(program: string, { pid, mappings, field, waitLimitMs }: HelperMap): Promise<void> {
  // Takes milliseconds to load: only who has no right over the ids pays for it.
  const { execFile } = await import("node:child_process");
  const numbers = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size]);
  try {
    await promisify(execFile)(program, [pid, ...numbers].map(String), { timeout: waitLimitMs, killSignal: "SIGKILL" });
  } catch (error) {
    const { code, killed, stderr } = error as { code?: string | number; killed?: boolean; stderr?: string };
    if (killed) throw new Error(`${field} cannot be used: ${program} took longer than ${waitLimitMs / 1000} s`);
    if (code === "ENOENT")
      throw new Error(`${field} needs the program ${program}, which is not in PATH: install it (Debian: uidmap)`);
    throw new Error(`${field} cannot be used: ${stderr?.trim() || (error as Error).message}`);
  }
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
