import type { IdMapping, Spec } from "@gantry/oci-spec/runtime";

/** A bind mount whose owners are shown by other ids. The runtime opens it, with rights that the helper may not have. */
export interface MappedMount {
  /** Position in `mounts`. */
  readonly index: number;
  /** The id mappings: the mount's own or the new user namespace's, or the path of a namespace that is joined. */
  readonly mappings: { readonly uid: readonly IdMapping[]; readonly gid: readonly IdMapping[] } | string;
  /** All that is mounted below it, too. */
  readonly recursive: boolean;
}

/** The mounts of a configuration that are to be id-mapped (runtime-spec config.md "Linux mount options"), in order. */
export function mappedMounts({ mounts = [], linux = {} }: Spec): MappedMount[] {
  const user = (linux.namespaces ?? []).find(({ type }) => type === "user");
  const container = user?.path ? user.path : { uid: linux.uidMappings ?? [], gid: linux.gidMappings ?? [] };
  return mounts.flatMap(({ options = [], uidMappings = [], gidMappings = [] }, index) => {
    const own = uidMappings.length > 0;
    const recursive = options.includes("ridmap");
    if (!own && !recursive && !options.includes("idmap")) return [];
    return [{ index, mappings: own ? { uid: uidMappings, gid: gidMappings } : container, recursive }];
  });
}
