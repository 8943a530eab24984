import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";

export interface Owner {
  /** Whether it is the machine's root, whose directories do not depend on the environment. */
  readonly root: boolean;
  /** XDG_RUNTIME_DIR as it stands in the environment. */
  readonly runtime?: string | undefined;
  readonly home: string;
}

/**
 * Where this user's addons go, the best place first. The first of each pair is memory, but /run is mounted
 * noexec on many machines.
 */
export function directoriesFor({ root, runtime, home }: Owner): string[] {
  if (root) return ["/run/gantry-addons", "/var/cache/gantry-addons"];
  // XDG Base Directory Specification: empty counts as unset, and relative paths are to be ignored.
  const bases = [runtime && isAbsolute(runtime) ? runtime : "", isAbsolute(home) ? join(home, ".cache") : ""];
  return bases.filter((base) => base !== "").map((base) => join(base, "gantry-addons"));
}

/** True for user 0, unless it is so only inside a user namespace (user_namespaces(7)): /run is another's there. */
export function ownsMachine(): boolean {
  if (process.getuid?.() !== 0) return false;
  const [inside, outside, length] = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/);
  return inside === "0" && outside === "0" && length === "4294967295";
}
