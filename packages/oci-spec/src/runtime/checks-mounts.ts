import { type Check, hasNamespace, type Report } from "./check.ts";
import type { Mount, Spec } from "./types.ts";

const checkMount = (spec: Spec, mount: Mount, path: string, report: Report): void => {
  const { destination, options = [], uidMappings = [], gidMappings = [] } = mount;
  if (destination === "") report(`${path}.destination`, "must not be empty");
  const mapped = uidMappings.length > 0 || gidMappings.length > 0;
  if (uidMappings.length === 0 && mapped) report(`${path}.uidMappings`, "must be given with gidMappings");
  if (gidMappings.length === 0 && mapped) report(`${path}.gidMappings`, "must be given with uidMappings");
  const option = options.find((name) => name === "idmap" || name === "ridmap");
  if (option && !mapped && !hasNamespace(spec, "user"))
    report(
      `${path}.options`,
      `"${option}" needs uidMappings and gidMappings, or {"type": "user"} in linux.namespaces whose mappings it takes`,
    );
  if ((option || mapped) && !isBind(mount))
    report(`${path}.${mapped ? "uidMappings" : "options"}`, "are for bind mounts: id mappings need one");
  if (isBind(mount) && !mount.source && !options.includes("remount"))
    report(`${path}.source`, "is missing: a bind mount needs one");
};

/** True for a mount that shows a file or directory that exists; its type counts as little as with runc. */
export function isBind({ type, options = [] }: Mount): boolean {
  return type === "bind" || options.includes("bind") || options.includes("rbind");
}

export const mountChecks: readonly Check[] = [
  {
    reads: ["mounts", "linux.namespaces"],
    run: (spec, report) => {
      (spec.mounts ?? []).forEach((mount, index) => {
        checkMount(spec, mount, `mounts[${index}]`, report);
      });
    },
  },
];
