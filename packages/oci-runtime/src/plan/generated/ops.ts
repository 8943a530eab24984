// Generated from schema/ops.json by schema/generate.ts; change it there.

export const planVersion = 4;

/** Number and fields, in their order on the wire, of every operation. */
export const operations = {
  /** Writes text to a file of the current root, as it is seen at that moment. */
  write: { number: 1, fields: { path: "string", data: "string" } },
  /** Writes text to a file of the proc file system at /proc itself, on which nothing else is mounted. The path is below /proc. */
  writeProc: { number: 2, fields: { path: "string", data: "string" } },
  /** Joins existing namespaces, opened all before the first is joined. Those that need the joined user namespace's rights come after it. Paths are below a directory's descriptor, which is closed, unless that is 0. With `root` the directory's entry "root" becomes the root, for a process that has one of its own in a mount namespace that is shared. */
  join: { number: 3, fields: { directory: "number", types: "numbers", paths: "strings", root: "number" } },
  /** unshare(2). */
  unshare: { number: 4, fields: { flags: "number" } },
  /** Reports to the runtime that a point is reached, and waits for its answer. Bytes in the answer become the standard input of hooks. A dumpable process's files in /proc are open to a runtime without root. */
  sync: { number: 5, fields: { point: "number", dumpable: "number" } },
  /** Takes ids inside a user namespace, keeping its capabilities. */
  become: { number: 6, fields: { uid: "number", gid: "number" } },
  /** Continues in a child with the same parent as this process; reports its pid to the runtime. */
  fork: { number: 7, fields: { } },
  /** Brings up the network interface lo. */
  loopback: { number: 8, fields: { } },
  /** Sets the propagation of a mount; with holder, of the mount that contains the path. */
  propagate: { number: 10, fields: { path: "string", propagation: "number", recursive: "number", holder: "number" } },
  /** Makes the root file system a mount of its own; from here on paths are resolved inside it. */
  root: { number: 11, fields: { path: "string" } },
  /** Mounts a new file system instance. strict: no link on the way; onProc: the target may lie on a proc file system; inherit: a tmpfs takes the mode and owner of the directory that it covers. */
  mount: { number: 12, fields: { type: "string", source: "string", target: "string", attributes: "number", options: "strings", strict: "number", onProc: "number", inherit: "number" } },
  /** Binds a file or directory of the host into the root file system, with its attributes already set; a tree that the runtime has opened comes as a descriptor, 0 for none. */
  bind: { number: 13, fields: { tree: "number", source: "string", target: "string", recursive: "number", set: "number", clear: "number", setRecursive: "number", clearRecursive: "number", onProc: "number" } },
  /** Sets attributes of an existing mount. */
  attributes: { number: 14, fields: { path: "string", set: "number", clear: "number", recursive: "number" } },
  /** Makes a directory and its parents. */
  mkdir: { number: 15, fields: { path: "string", mode: "number" } },
  /** Makes a symbolic link unless the name exists. */
  symlink: { number: 16, fields: { target: "string", path: "string" } },
  /** Makes a device node or a named pipe. replace: an existing file of that name is replaced, else it must be the same. */
  mknod: { number: 17, fields: { path: "string", mode: "number", major: "number", minor: "number", uid: "number", gid: "number", replace: "number" } },
  /** Hides a path: an empty read-only directory, or /dev/null, over it. A missing path is skipped. */
  mask: { number: 18, fields: { path: "string" } },
  /** Makes a path and the mounts below it read-only. A missing path is skipped. */
  readonly: { number: 19, fields: { path: "string" } },
  /** Makes the root file system the root and detaches the old one by pivot_root(2). With move 2 it is entered by chroot(2) alone, where the mount namespace is not the container's. With move 1 the mount is moved and entered by chroot(2), for a root that pivot_root refuses; the host's proc and sysfs mounts, which stay in the namespace then, are unmounted or covered. */
  pivot: { number: 20, fields: { move: "number" } },
  /** Mounts a tmpfs that starts with a copy of the directory; inherit as in mount. */
  copyUp: { number: 21, fields: { source: "string", target: "string", attributes: "number", options: "strings", inherit: "number" } },
  /** sethostname(2). */
  hostname: { number: 30, fields: { name: "string" } },
  /** setdomainname(2). */
  domainname: { number: 31, fields: { name: "string" } },
  /** setsid(2); no failure where the process leads a group already. */
  session: { number: 32, fields: { } },
  /** Opens a pseudo-terminal of the root file system's own devpts, sends its master over a socket, and makes it the standard streams. `newlines`: output keeps its newlines (stty -onlcr). */
  console: { number: 33, fields: { socket: "number", width: "number", height: "number", bind: "number", newlines: "number" } },
  /** Joins a new session keyring without a name: a name could be that of another container's. No keyrings, no leak. */
  keyring: { number: 34, fields: { } },
  /** setrlimit(2). */
  rlimit: { number: 40, fields: { resource: "number", soft: "number", hard: "number" } },
  /** sched_setattr(2). */
  scheduler: { number: 41, fields: { policy: "number", flags: "number", nice: "number", priority: "number", runtime: "number", deadline: "number", period: "number" } },
  /** ioprio_set(2). */
  ioPriority: { number: 42, fields: { value: "number" } },
  /** personality(2). */
  personality: { number: 43, fields: { value: "number" } },
  /** sched_setaffinity(2); the mask's first bit is processor 0. An empty mask allows all that the cgroup does, where that can be set. */
  affinity: { number: 35, fields: { mask: "bytes" } },
  /** set_mempolicy(2); the mode with its flags, the mask of nodes empty for none. */
  memoryPolicy: { number: 36, fields: { mode: "number", nodes: "bytes" } },
  /** umask(2). */
  umask: { number: 44, fields: { mask: "number" } },
  /** PR_SET_NO_NEW_PRIVS. */
  noNewPrivileges: { number: 45, fields: { } },
  /** Drops all capabilities outside the mask from the bounding set. */
  boundingSet: { number: 46, fields: { mask: "number" } },
  /** Gives the standard streams to a user, who may open them again by name, as far as that can be done. */
  streams: { number: 37, fields: { uid: "number" } },
  /** setgroups(2): numbers of four bytes each. */
  groups: { number: 38, fields: { ids: "bytes" } },
  /** Takes the program's user and group, keeping capabilities for the operation that sets them. */
  user: { number: 47, fields: { uid: "number", gid: "number" } },
  /** Sets the process's capability sets. */
  capabilities: { number: 48, fields: { effective: "number", permitted: "number", inheritable: "number", ambient: "number" } },
  /** Loads a filter: an array of struct sock_filter. With a point, reports the number of the listener's descriptor to the runtime and waits for its answer, as in sync. */
  seccomp: { number: 49, fields: { filter: "bytes", flags: "number", point: "number", dumpable: "number" } },
  /** chdir(2); the directory must lie inside the root. */
  directory: { number: 50, fields: { path: "string" } },
  /** Finds the program to run. */
  program: { number: 51, fields: { name: "string", path: "string" } },
  /** Reports ready, then waits for a byte from the named pipe of `start`. Later failures go to the result pipe. */
  wait: { number: 52, fields: { start: "number", result: "number" } },
  /** Runs a hook in the process's present context, with the state document as its standard input; inherit: with the program's environment in place of env; inRoot: from the directory in which paths are resolved. Index is its place among the hooks of its kind, for errors. */
  hook: { number: 53, fields: { path: "string", args: "strings", env: "strings", inherit: "number", timeout: "number", index: "number", inRoot: "number" } },
  /** Sets the program's environment; with a home, HOME by user id from /etc/passwd, or that one. */
  environment: { number: 54, fields: { env: "strings", home: "string", uid: "number" } },
  /** Becomes the program; descriptors below `keep` stay open. */
  exec: { number: 55, fields: { args: "strings", keep: "number" } },
} as const;

/** Fields of each operation. */
export interface Operands {
  readonly write: {
    readonly path: string;
    readonly data: string;
  };
  readonly writeProc: {
    readonly path: string;
    readonly data: string;
  };
  readonly join: {
    readonly directory: number | bigint;
    readonly types: readonly number[];
    readonly paths: readonly string[];
    readonly root: number | bigint;
  };
  readonly unshare: {
    readonly flags: number | bigint;
  };
  readonly sync: {
    readonly point: number | bigint;
    readonly dumpable: number | bigint;
  };
  readonly become: {
    readonly uid: number | bigint;
    readonly gid: number | bigint;
  };
  readonly fork: Record<never, never>;
  readonly loopback: Record<never, never>;
  readonly propagate: {
    readonly path: string;
    readonly propagation: number | bigint;
    readonly recursive: number | bigint;
    readonly holder: number | bigint;
  };
  readonly root: {
    readonly path: string;
  };
  readonly mount: {
    readonly type: string;
    readonly source: string;
    readonly target: string;
    readonly attributes: number | bigint;
    readonly options: readonly string[];
    readonly strict: number | bigint;
    readonly onProc: number | bigint;
    readonly inherit: number | bigint;
  };
  readonly bind: {
    readonly tree: number | bigint;
    readonly source: string;
    readonly target: string;
    readonly recursive: number | bigint;
    readonly set: number | bigint;
    readonly clear: number | bigint;
    readonly setRecursive: number | bigint;
    readonly clearRecursive: number | bigint;
    readonly onProc: number | bigint;
  };
  readonly attributes: {
    readonly path: string;
    readonly set: number | bigint;
    readonly clear: number | bigint;
    readonly recursive: number | bigint;
  };
  readonly mkdir: {
    readonly path: string;
    readonly mode: number | bigint;
  };
  readonly symlink: {
    readonly target: string;
    readonly path: string;
  };
  readonly mknod: {
    readonly path: string;
    readonly mode: number | bigint;
    readonly major: number | bigint;
    readonly minor: number | bigint;
    readonly uid: number | bigint;
    readonly gid: number | bigint;
    readonly replace: number | bigint;
  };
  readonly mask: {
    readonly path: string;
  };
  readonly readonly: {
    readonly path: string;
  };
  readonly pivot: {
    readonly move: number | bigint;
  };
  readonly copyUp: {
    readonly source: string;
    readonly target: string;
    readonly attributes: number | bigint;
    readonly options: readonly string[];
    readonly inherit: number | bigint;
  };
  readonly hostname: {
    readonly name: string;
  };
  readonly domainname: {
    readonly name: string;
  };
  readonly session: Record<never, never>;
  readonly console: {
    readonly socket: number | bigint;
    readonly width: number | bigint;
    readonly height: number | bigint;
    readonly bind: number | bigint;
    readonly newlines: number | bigint;
  };
  readonly keyring: Record<never, never>;
  readonly rlimit: {
    readonly resource: number | bigint;
    readonly soft: number | bigint;
    readonly hard: number | bigint;
  };
  readonly scheduler: {
    readonly policy: number | bigint;
    readonly flags: number | bigint;
    readonly nice: number | bigint;
    readonly priority: number | bigint;
    readonly runtime: number | bigint;
    readonly deadline: number | bigint;
    readonly period: number | bigint;
  };
  readonly ioPriority: {
    readonly value: number | bigint;
  };
  readonly personality: {
    readonly value: number | bigint;
  };
  readonly affinity: {
    readonly mask: Uint8Array;
  };
  readonly memoryPolicy: {
    readonly mode: number | bigint;
    readonly nodes: Uint8Array;
  };
  readonly umask: {
    readonly mask: number | bigint;
  };
  readonly noNewPrivileges: Record<never, never>;
  readonly boundingSet: {
    readonly mask: number | bigint;
  };
  readonly streams: {
    readonly uid: number | bigint;
  };
  readonly groups: {
    readonly ids: Uint8Array;
  };
  readonly user: {
    readonly uid: number | bigint;
    readonly gid: number | bigint;
  };
  readonly capabilities: {
    readonly effective: number | bigint;
    readonly permitted: number | bigint;
    readonly inheritable: number | bigint;
    readonly ambient: number | bigint;
  };
  readonly seccomp: {
    readonly filter: Uint8Array;
    readonly flags: number | bigint;
    readonly point: number | bigint;
    readonly dumpable: number | bigint;
  };
  readonly directory: {
    readonly path: string;
  };
  readonly program: {
    readonly name: string;
    readonly path: string;
  };
  readonly wait: {
    readonly start: number | bigint;
    readonly result: number | bigint;
  };
  readonly hook: {
    readonly path: string;
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly inherit: number | bigint;
    readonly timeout: number | bigint;
    readonly index: number | bigint;
    readonly inRoot: number | bigint;
  };
  readonly environment: {
    readonly env: readonly string[];
    readonly home: string;
    readonly uid: number | bigint;
  };
  readonly exec: {
    readonly args: readonly string[];
    readonly keep: number | bigint;
  };
}

export type OperationName = keyof Operands;
