import { closeSync, constants, openSync, statSync } from "node:fs";
import { CLONE_NEWNET } from "@gantry/native-sys";
import type { Namespace, Spec } from "@gantry/oci-spec/runtime";

/** Namespaces that CRIU leaves as they are, by the names of runtime-spec and of CRIU. */
const external: Readonly<Record<string, { readonly type: string; readonly key: string }>> = {
  network: { type: "net", key: "extRootNetNS" },
  pid: { type: "pid", key: "extRootPidNS" },
};

const joined: Readonly<Record<string, string>> = { ipc: "ipc", uts: "uts", mount: "mnt", user: "user", time: "time" };

interface Given extends Namespace {
  readonly path: string;
}

/** The namespaces that a container was given rather than made. */
function given(spec: Spec): Given[] {
  return (spec.linux?.namespaces ?? []).flatMap(({ type, path }) => (path ? [{ type, path }] : []));
}

/** For writing: "net[4026531840]:extRootNetNS". */
export function externalNamespaces(spec: Spec): string[] {
  return given(spec).flatMap(({ type, path }) => {
    const name = external[type];
    return name ? [`${name.type}[${statSync(path).ino}]:${name.key}`] : [];
  });
}

export interface OpenNamespaces {
  readonly inherit: { readonly key: string; readonly fd: number }[];
  readonly join: { readonly type: string; readonly path: string }[];
  /** For CRIU's process, in the order of `inherit`. */
  readonly fds: number[];
  close(): void;
}

/**
 * For restoring: those that are there already.
 * @param first the number that the first of them has in CRIU's process
 * @throws Error naming the namespace that cannot be joined
 */
export function openNamespaces(spec: Spec, first: number): OpenNamespaces {
  const inherit: OpenNamespaces["inherit"] = [];
  const join: OpenNamespaces["join"] = [];
  const fds: number[] = [];
  for (const { type, path } of given(spec)) {
    const name = external[type];
    const joinable = joined[type];
    if (name) {
      inherit.push({ key: name.key, fd: first + fds.length });
      fds.push(openSync(path, constants.O_RDONLY));
    } else if (joinable) join.push({ type: joinable, path });
    else throw new Error(`linux.namespaces: criu cannot join the ${type} namespace ${path}`);
  }
  return { inherit, join, fds, close: () => fds.forEach((fd) => void closeSync(fd)) };
}

/** The value of --empty-ns. @throws Error */
export function emptyNamespaces(names: readonly string[]): number {
  const other = names.find((name) => name !== "network");
  if (other !== undefined) throw new Error(`--empty-ns ${other}: only network can be left empty`);
  return names.length > 0 ? CLONE_NEWNET : 0;
}
