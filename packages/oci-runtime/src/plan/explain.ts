import { MOUNT_ATTR__ATIME, S_IFBLK, S_IFCHR, S_IFMT } from "@gantry/native-sys";
import {
  attributeNames,
  bitList,
  capabilityNames,
  clearedOptions,
  groupList,
  limitText,
  namespaceNames,
  octalMode,
  propagationName,
  rlimitName,
} from "./names.ts";
import { type Op, type Plan, syncPoints } from "./op.ts";

type Named<K extends Op["op"]> = Extract<Op, { op: K }>;
type Descriptions = { readonly [K in Op["op"]]: (op: Named<K>) => string };

const awaited: Readonly<Record<number, string>> = {
  [syncPoints.maps]: "the id maps",
  [syncPoints.hooks]: "the runtime's hooks",
  [syncPoints.created]: "the state document of later hooks",
  [syncPoints.offsets]: "the offsets of clocks",
  [syncPoints.netDevices]: "network devices",
  [syncPoints.listener]: "the listener to be handed over",
};

/** Each operation as a verb in -ing and its object, so that it reads both in a list and in front of an error. */
const descriptions: Descriptions = {
  write: ({ path, data }) => `writing ${JSON.stringify(data)} to ${path}`,
  writeProc: ({ path, data }) => `writing ${JSON.stringify(data)} to /proc/${path}`,
  join: ({ types, paths, root }) =>
    `${root ? "changing root, " : ""}joining ${types.map((type, at) => `${namespaceNames(type)} ${paths[at]}`).join(", ")}`,
  unshare: ({ flags }) => `making new namespaces: ${namespaceNames(flags)}`,
  sync: ({ point }) => `waiting for ${awaited[Number(point)] ?? `point ${point}`}`,
  become: ({ uid, gid }) => `becoming ${uid}:${gid} of the user namespace`,
  fork: () => "forking into the namespaces",
  loopback: () => "bringing up the network interface lo",
  propagate: ({ path, propagation, recursive, holder }) =>
    `making ${holder ? "the mount that holds " : ""}${path} ${propagationName(propagation, recursive)}`,
  root: ({ path }) => `taking ${path} as the root file system`,
  mount: ({ type, source, target, attributes, options }) =>
    `mounting ${JSON.stringify(source)} on ${target}${list([type === source ? "" : type, attributeNames(attributes), ...options])}`,
  bind: explainBind,
  attributes: ({ path, set, clear, recursive }) =>
    `making ${path} ${[attributeNames(set), clearedOptions(onlyCleared(set, clear))].filter(Boolean).join(",")}${recursive ? " with all below" : ""}`,
  mkdir: ({ path, mode }) => `making the directory ${path} (${octalMode(mode)})`,
  symlink: ({ target, path }) => `linking ${path} to ${target}`,
  mknod: ({ path, mode, major, minor, uid, gid }) =>
    `making ${path} (${nodeKind(mode)} ${major}:${minor}, ${octalMode(mode)}, ${uid}:${gid})`,
  mask: ({ path }) => `masking ${path}`,
  readonly: ({ path }) => `making ${path} read-only`,
  pivot: ({ move }) =>
    ["pivoting to the root file system", "moving the root file system to / and changing root", "changing root"][
      Number(move)
    ] ?? "",
  copyUp: ({ target, attributes, options }) =>
    `mounting a tmpfs copy of ${target} on it${list([attributeNames(attributes), ...options])}`,
  hostname: ({ name }) => `setting the host name to ${JSON.stringify(name)}`,
  domainname: ({ name }) => `setting the domain name to ${JSON.stringify(name)}`,
  session: () => "starting a session",
  console: ({ width, height, bind, newlines }) =>
    `opening the terminal${list([width ? `${width}x${height}` : "", bind ? "as /dev/console" : "", newlines ? "newlines as they are" : ""])}`,
  keyring: () => "joining a new session keyring",
  rlimit: ({ resource, soft, hard }) => `setting ${rlimitName(resource)} to ${limitText(soft)}:${limitText(hard)}`,
  scheduler: ({ policy, nice, priority }) =>
    `setting the scheduler (policy ${policy}, nice ${nice}, priority ${priority})`,
  ioPriority: ({ value }) => `setting the I/O priority to ${value}`,
  personality: ({ value }) => `setting the personality to ${value}`,
  affinity: ({ mask }) =>
    mask.length > 0 ? `running on the processors ${bitList(mask)}` : "running on all processors of the cgroup",
  memoryPolicy: ({ mode, nodes }) => `setting the memory policy ${mode} (nodes ${bitList(nodes)})`,
  streams: ({ uid }) => `giving the standard streams to user ${uid}`,
  umask: ({ mask }) => `setting the umask to ${octalMode(mask)}`,
  noNewPrivileges: () => "giving up new privileges",
  boundingSet: ({ mask }) => `limiting capabilities to: ${capabilityNames(mask)}`,
  groups: ({ ids }) => `setting the additional groups: ${groupList(ids)}`,
  user: ({ uid, gid }) => `becoming user ${uid}:${gid}`,
  capabilities: ({ effective, permitted, inheritable, ambient }) =>
    `setting capabilities: effective ${capabilityNames(effective)}; permitted ${capabilityNames(permitted)}; ` +
    `inheritable ${capabilityNames(inheritable)}; ambient ${capabilityNames(ambient)}`,
  seccomp: ({ profile, point }) =>
    `loading the seccomp filter (${profile.defaultAction} but for ${profile.syscalls?.length ?? 0} rules)${point ? `, its listener for ${profile.listenerPath}` : ""}`,
  directory: ({ path }) => `changing to the directory ${path}`,
  program: ({ name, path }) => `finding the program ${JSON.stringify(name)} in ${path}`,
  wait: () => "waiting for start",
  hook: ({ path, timeout }) => `running the hook ${path}${timeout ? ` (${timeout} s at most)` : ""}`,
  environment: ({ env, home }) =>
    `setting the environment: ${env.map((entry) => entry.split("=", 1)[0]).join(" ")}${home ? " HOME" : ""}`,
  exec: ({ args }) => `running ${args.map((word) => JSON.stringify(word)).join(" ")}`,
};

function explainBind({
  tree,
  source,
  target,
  recursive,
  set,
  clear,
  setRecursive,
  clearRecursive,
}: Named<"bind">): string {
  const below = [attributeNames(setRecursive), clearedOptions(onlyCleared(setRecursive, clearRecursive))]
    .filter(Boolean)
    .join(",");
  const options = [
    recursive ? "with what is below" : "",
    tree ? "with its owners mapped" : "",
    attributeNames(set),
    clearedOptions(onlyCleared(set, clear)),
    below && `all ${below}`,
  ];
  return `binding ${source} to ${target}${list(options)}`;
}

/** A way to keep access times is set by clearing the field that holds it: said once is enough. */
function onlyCleared(set: number | bigint, clear: number | bigint): number {
  return (Number(set) & MOUNT_ATTR__ATIME) !== 0 ? Number(clear) & ~MOUNT_ATTR__ATIME : Number(clear);
}

function nodeKind(mode: number | bigint): string {
  const kind = Number(mode) & S_IFMT;
  return kind === S_IFCHR ? "char" : kind === S_IFBLK ? "block" : "pipe";
}

function list(parts: readonly string[]): string {
  const given = parts.filter((part) => part !== "");
  return given.length > 0 ? ` (${given.join(",")})` : "";
}

/** One operation as text, such as `mounting "proc" on /proc (nosuid,noexec,nodev)`. */
export function describe(op: Op): string {
  return (descriptions[op.op] as (op: Op) => string)(op);
}

/** The short form for an error: without the options in brackets. */
export function describeShort(op: Op): string {
  if (op.op === "mount" || op.op === "bind" || op.op === "mknod") return describe(op).replace(/ \(.*\)$/, "");
  if (op.op === "environment") return "setting the environment";
  return describe(op);
}

/** The whole plan as text, one operation a line with the path in config.json that it comes from. */
export function explain(plan: Plan): string {
  const start = plan.cloneFlags
    ? `in new namespaces: ${namespaceNames(plan.cloneFlags)}`
    : "in the runtime's namespaces";
  const cgroup = plan.cgroup ? `, in the cgroup ${plan.cgroup}` : "";
  const lines = [`     the helper starts ${start}${cgroup}`];
  for (const [index, op] of plan.ops.entries())
    lines.push(`${String(index + 1).padStart(4)} ${describe(op)}  [${op.why}]`);
  return `${lines.join("\n")}\n`;
}
