import { statSync } from "node:fs";
import { type NamespaceType, type Spec, SpecError, type SpecProblem, sysctlNamespace } from "@gantry/oci-spec/runtime";
import { namespaceFiles } from "../../plan/compile-exec.ts";

/**
 * Refuses settings of a namespace that the container joins and that is the runtime's own: the host would be changed.
 * @throws SpecError with all of them
 */
export function checkHostNamespaces(spec: Spec): void {
  const shared = new Set(
    (spec.linux?.namespaces ?? []).filter(({ type, path }) => path && isOwn(path, type)).map(({ type }) => type),
  );
  if (shared.size === 0) return;
  const joined: [path: string, type: NamespaceType | undefined][] = [
    ...Object.keys(spec.linux?.sysctl ?? {}).map((key): [string, NamespaceType | undefined] => [
      `linux.sysctl["${key}"]`,
      sysctlNamespace(key),
    ]),
    ...(["hostname", "domainname"] as const)
      .filter((field) => spec[field])
      .map((field): [string, "uts"] => [field, "uts"]),
    ...(Object.keys(spec.linux?.netDevices ?? {}).length > 0
      ? [["linux.netDevices", "network"] as [string, "network"]]
      : []),
  ];
  const mount = (spec.linux?.namespaces ?? []).findIndex(({ type }) => type === "mount");
  const problems: SpecProblem[] = joined
    .filter(([, type]) => type !== undefined && shared.has(type))
    .map(([path, type]) => ({
      path,
      message: `must not be given: the ${type} namespace that is joined is the host's`,
    }));
  if (shared.has("mount"))
    problems.push({
      path: `linux.namespaces[${mount}].path`,
      message: "must not be the runtime's own mount namespace: leave the entry out to share it",
    });
  if (problems.length > 0) throw new SpecError("invalid config.json", problems);
}

/** A path that does not exist is reported when it is joined. */
function isOwn(path: string, type: NamespaceType): boolean {
  try {
    const [given, own] = [statSync(path), statSync(`/proc/self/ns/${namespaceFiles[type]}`)];
    return given.ino === own.ino && given.dev === own.dev;
  } catch {
    return false;
  }
}
