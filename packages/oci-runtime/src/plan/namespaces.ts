import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from "@gantry/native-sys";
import type { Linux, NamespaceType } from "@gantry/oci-spec/runtime";
import type { Facts } from "../facts.ts";
import { type Op, syncPoints } from "./op.ts";

export const namespaceFlags: Readonly<Record<NamespaceType, number>> = {
  user: CLONE_NEWUSER,
  mount: CLONE_NEWNS,
  pid: CLONE_NEWPID,
  network: CLONE_NEWNET,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  cgroup: CLONE_NEWCGROUP,
  time: CLONE_NEWTIME,
};

/** Without a mount namespace of its own a container's mounts are made in the runtime's. */
export function inheritsMounts({ namespaces = [] }: Linux): boolean {
  return !namespaces.some(({ type }) => type === "mount");
}

export interface NamespacePlan {
  readonly cloneFlags: number;
  readonly forks: boolean;
  readonly ops: readonly Op[];
}

/**
 * Two ways into the namespaces. Mostly the helper is cloned as the first process of the pid namespace and unshares the
 * others. With a user or time namespace, or a pid namespace that exists, it must fork once more: a user namespace needs
 * its maps before an exec would keep its rights, and the other two take effect for children only.
 *
 * @param early operations to run before a user namespace takes rights over the host away
 */
export function namespacePlan(linux: Linux, facts: Facts, early: readonly Op[]): NamespacePlan {
  const requested = linux.namespaces ?? [];
  const fresh = (type: NamespaceType) => requested.some((namespace) => namespace.type === type && !namespace.path);
  const joined = requested.filter(({ path }) => path);
  const forks =
    fresh("time") || requested.some(({ type }) => type === "user") || joined.some(({ type }) => type === "pid");
  const ops: Op[] = [];
  if (joined.length > 0)
    ops.push({
      op: "join",
      why: "linux.namespaces",
      directory: 0,
      types: joined.map(({ type }) => namespaceFlags[type]),
      paths: joined.map(({ path }) => path ?? ""),
      root: 0,
    });
  ops.push(...early);
  if (fresh("user")) ops.push(...newUserNamespace(facts));
  else if (joined.some(({ type }) => type === "user")) ops.push(becomeRoot());
  const rest = requested.filter(({ type, path }) => !path && type !== "user" && !(type === "pid" && !forks));
  ops.push(...unshareOps(rest.map(({ type }) => type)));
  if (Object.keys(linux.timeOffsets ?? {}).length > 0)
    ops.push(outsideWrites("linux.timeOffsets", syncPoints.offsets, facts));
  if (forks) ops.push({ op: "fork", why: "linux.namespaces" });
  if (fresh("network")) ops.push({ op: "loopback", why: "linux.namespaces" });
  return { cloneFlags: !forks && fresh("pid") ? CLONE_NEWPID : 0, forks, ops };
}

function newUserNamespace(facts: Facts): Op[] {
  return [
    { op: "unshare", why: "linux.namespaces", flags: CLONE_NEWUSER },
    outsideWrites("linux.uidMappings", syncPoints.maps, facts),
    becomeRoot(),
  ];
}

function becomeRoot(): Op {
  return { op: "become", why: "linux.namespaces", uid: 0, gid: 0 };
}

function unshareOps(types: readonly NamespaceType[]): Op[] {
  let flags = 0;
  for (const type of types) flags |= namespaceFlags[type];
  return flags ? [{ op: "unshare", why: "linux.namespaces", flags }] : [];
}

/**
 * Files of the helper in /proc that the runtime writes, from outside its user namespace. They are root's; only where
 * the runtime is not root must the helper be dumpable for it, which only the runtime can use at that point.
 */
export function outsideWrites(why: string, point: number, { privileged }: Facts): Op {
  return { op: "sync", why, point, dumpable: privileged ? 0 : 1 };
}
