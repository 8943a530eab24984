import type { Namespace } from "@gantry/oci-spec/runtime";

/** The namespaces of a container: its own (""), the host's ("host"), or the one at a path. */
export interface NamespaceChoice {
  readonly network: string;
  readonly pid: string;
  readonly ipc: string;
  readonly uts: string;
  /** "" or "host". */
  readonly cgroup: string;
}

/** Namespaces of config.json: a namespace that is left out is the host's. */
export function containerNamespaces(choice: NamespaceChoice): Namespace[] {
  const result: Namespace[] = [{ type: "mount" }];
  for (const type of ["network", "uts", "pid", "ipc", "cgroup"] as const) {
    const wanted = choice[type];
    if (wanted === "host") continue;
    result.push(wanted === "" ? { type } : { type, path: wanted });
  }
  return result;
}

/** A mode as HostConfig has it: own namespace, the host's, or another container's. */
export type NamespaceMode =
  | { readonly kind: "private" | "shareable" | "host" | "none" }
  | { readonly kind: "container"; readonly container: string };

const containerPrefix = "container:";

/** The container that a mode "container:NAME" names, which may be ""; undefined for another mode. */
export function containerOf(mode: string | undefined): string | undefined {
  return mode?.startsWith(containerPrefix) ? mode.slice(containerPrefix.length) : undefined;
}

/** The mode that shares a container's namespace. */
export function containerMode(container: string): string {
  return `${containerPrefix}${container}`;
}

/** Splits "", "private", "host", "none", "shareable", "container:NAME"; undefined for a mode that is not in `allowed`. */
export function parseNamespaceMode(text: string | undefined, allowed: readonly string[]): NamespaceMode | undefined {
  const mode = text || "private";
  const container = containerOf(mode);
  if (container !== undefined) {
    return allowed.includes("container") && container ? { kind: "container", container } : undefined;
  }
  if (!allowed.includes(mode)) return undefined;
  return { kind: mode as "private" };
}
