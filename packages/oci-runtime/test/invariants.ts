import type { Op, Plan } from "../src/plan/op.ts";
import { hasListener } from "../src/plan/seccomp.ts";

/** The order that security rests on: each rule is asked of every plan. */
const rules: Readonly<Record<string, (at: Positions, ops: readonly Op[]) => boolean>> = {
  "the root file system is taken before the pivot": (at) =>
    at.first("root") >= 0 && at.last("root") < at.first("pivot"),
  "nothing is mounted or made outside the root": (at) =>
    at.first("mount", "bind", "copyUp", "mknod", "mkdir", "symlink") > at.last("root"),
  "all namespaces come before the first mount": (at) => at.last("unshare", "join", "fork") < at.first("root"),
  "paths are hidden in the final root": (at) => at.first("mask", "readonly") > at.last("pivot"),
  "no path of the host is used after the pivot": (at) => at.last("bind", "mount", "copyUp") < at.first("pivot"),
  "the user drops after all mounts": (at) =>
    at.last("mount", "bind", "copyUp", "mknod", "mask", "readonly", "attributes", "propagate") < at.first("user"),
  "settings are written with the host's /proc or a checked one": (at) =>
    at.last("write") < at.first("pivot") && at.last("writeProc") < at.first("user"),
  "capabilities: bounding, user, the rest": (at) =>
    at.last("boundingSet", "groups") < at.first("user") && at.last("user") < at.first("capabilities"),
  "the program is looked for with the program's rights": (at) => at.first("program") > at.last("capabilities"),
  "exec ends the plan": (_at, ops) => ops.at(-1)?.op === "exec",
  "exec, user, pivot, root and wait come once": (at) => at.all("exec", "user", "pivot", "root", "wait").length === 5,
  "mounts of proc and sysfs are not redirected": (_at, ops) =>
    ops.every((op) => op.op !== "mount" || (op.type !== "proc" && op.type !== "sysfs") || op.strict === 1),
  "nothing but /proc itself and its harmless files is mounted over": (_at, ops) =>
    ops.every((op) => (op.op !== "mount" && op.op !== "bind") || !op.target.startsWith("/proc/") || op.onProc === 1),
  "the filter is loaded where it binds the program and the hooks before it, and nothing else": filterIsLast,
};

/**
 * With no_new_privs after the wait (or, with a listener, before it), so that nothing but startContainer hooks and exec
 * follows; without it while that is still allowed.
 */
function filterIsLast(at: Positions, ops: readonly Op[]): boolean {
  const [filter] = at.all("seccomp");
  if (filter === undefined) return true;
  if (at.all("noNewPrivileges").length === 0) return filter < at.first("boundingSet") && filter > at.last("pivot");
  const op = ops[filter];
  if (op?.op === "seccomp" && hasListener(op.profile)) return filter === at.first("wait") - 1;
  return filter === at.first("wait") + 1 && ops.slice(filter + 1, -1).every((later) => later.op === "hook");
}

/** Where operations of some kinds stand in a plan. */
class Positions {
  readonly #ops: readonly Op[];

  constructor(ops: readonly Op[]) {
    this.#ops = ops;
  }

  all(...kinds: Op["op"][]): number[] {
    return this.#ops.flatMap(({ op }, index) => (kinds.includes(op) ? [index] : []));
  }

  /** The end of the plan for none. */
  first(...kinds: Op["op"][]): number {
    return Math.min(this.#ops.length, ...this.all(...kinds));
  }

  /** -1 for none. */
  last(...kinds: Op["op"][]): number {
    return Math.max(-1, ...this.all(...kinds));
  }
}

/** The first rule that a plan breaks; undefined when it keeps all. */
export function brokenInvariant({ ops }: Plan): string | undefined {
  const at = new Positions(ops);
  return Object.entries(rules).find(([, holds]) => !holds(at, ops))?.[0];
}
