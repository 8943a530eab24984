import { join } from "node:path/posix";
import { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY } from "@gantry/native-sys";
import type { CompileInput } from "./compile.ts";
import type { MountOptions } from "./mount-options.ts";
import type { Op } from "./op.ts";
import { readonlyOp } from "./readonly-op.ts";

export interface CgroupTarget {
  readonly target: string;
  readonly why: string;
  readonly options: MountOptions;
  readonly later: Op[];
}

/** The container's view of its cgroups: of version 2 one tree, of version 1 a tmpfs with one directory a hierarchy. */
export function cgroupMount(input: CompileInput, { target, why, options, later }: CgroupTarget): Op[] {
  const { facts } = input;
  const attributes = options.set | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (facts.cgroup.mode === "v2") {
    const [only] = facts.cgroup.hierarchies;
    return only ? [hierarchyOp(input, { hierarchy: only, target, why, attributes })] : [];
  }
  const ops: Op[] = [
    {
      op: "mount",
      why,
      type: "tmpfs",
      source: "tmpfs",
      target,
      attributes: attributes & ~MOUNT_ATTR_RDONLY,
      options: ["mode=755"],
      strict: 0,
      onProc: 0,
      inherit: 0,
    },
  ];
  for (const hierarchy of facts.cgroup.hierarchies) {
    ops.push(hierarchyOp(input, { hierarchy, target: join(target, hierarchy.name), why, attributes }));
    if (hierarchy.controllers.length > 1)
      for (const name of hierarchy.controllers)
        ops.push({ op: "symlink", why, target: hierarchy.name, path: join(target, name) });
  }
  if (attributes & MOUNT_ATTR_RDONLY) later.push(readonlyOp(target, why));
  return ops;
}

interface HierarchyMount {
  readonly hierarchy: CompileInput["facts"]["cgroup"]["hierarchies"][number];
  readonly target: string;
  readonly why: string;
  readonly attributes: number;
}

/** In a cgroup namespace of its own a container can mount the hierarchy; without one its own part is bound. */
function hierarchyOp(input: CompileInput, { hierarchy, target, why, attributes }: HierarchyMount): Op {
  const own = (input.spec.linux?.namespaces ?? []).some(({ type }) => type === "cgroup");
  if (own) {
    const type = hierarchy.version === 2 ? "cgroup2" : "cgroup";
    return {
      op: "mount",
      why,
      type,
      source: "cgroup",
      target,
      attributes,
      options: hierarchy.mountOptions,
      strict: 0,
      onProc: 0,
      inherit: 0,
    };
  }
  const source = input.options.cgroupPaths[hierarchy.name] ?? hierarchy.mountpoint;
  return {
    op: "bind",
    why,
    tree: 0,
    source,
    target,
    recursive: 0,
    set: attributes,
    clear: 0,
    setRecursive: 0,
    clearRecursive: 0,
    onProc: 0,
  };
}
