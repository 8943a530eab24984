import { availableParallelism } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { type FlagTable, type FlagValues, formatHelp, UsageError } from "@gantry/cli";
import { findSibling } from "@gantry/common/programs";
import type { RuntimeChoice } from "./containers/settings.ts";

export const serveFlags = {
  root: { type: "string", value: "DIR", default: "/var/lib/gantry", doc: "durable files: database, volumes, logs" },
  state: {
    type: "string",
    value: "DIR",
    default: "/run/gantry",
    doc: "files that last until a reboot: sockets, namespaces",
  },
  host: { type: "string", short: "H", value: "ENDPOINT", doc: "where to listen (default ipc://STATE/engine.sock)" },
  supervisor: { type: "string", value: "ENDPOINT", doc: "use a running supervisor instead of starting one" },
  "supervisor-path": { type: "string", value: "FILE", doc: "supervisor to start" },
  shim: { type: "string", value: "FILE", doc: "shim that the supervisor starts" },
  "oci-runtime": { type: "string", value: "FILE", doc: "the OCI runtime named oci-runtime, run as a worker" },
  runtime: { type: "list", value: "NAME=FILE", doc: "another OCI runtime, such as runc=/usr/sbin/runc" },
  "default-runtime": {
    type: "string",
    value: "NAME",
    default: "oci-runtime",
    doc: "OCI runtime of containers that name none",
  },
  "init-path": { type: "string", value: "FILE", doc: "static init program for --init" },
  "userland-proxy": {
    type: "boolean",
    default: true,
    doc: "serve published ports by a proxy in addition to the rules",
  },
  "userland-proxy-path": { type: "string", value: "FILE", doc: "proxy with docker-proxy's command line" },
  "cgroup-parent": { type: "string", value: "NAME", default: "gantry", doc: "cgroup above the containers' own" },
  bridge: { type: "string", value: "NAME", default: "gantry0", doc: "name of the default network's bridge" },
  bip: { type: "string", value: "CIDR", doc: "address of that bridge (default: in a free network)" },
  iptables: { type: "boolean", default: true, doc: "set up rules for NAT, published ports and isolation" },
  "registry-config": {
    type: "string",
    value: "DIR[:DIR…]",
    doc: "directories with HOST/hosts.toml or HOST/*.crt: mirrors and certificates (default: the supervisor's)",
  },
  "storage-driver": {
    type: "string",
    short: "s",
    value: "NAME",
    choices: ["overlayfs", "native"],
    doc: "how the supervisor stores images and containers (default: the best that works here)",
  },
  standby: { type: "integer", value: "N", doc: "shims that the supervisor keeps ready" },
  "log-level": {
    type: "string",
    value: "LEVEL",
    default: "info",
    choices: ["debug", "info", "warn", "error"],
    doc: "lowest level of messages to write",
  },
  help: { type: "boolean", short: "h", doc: "print this help" },
  version: { type: "boolean", short: "v", doc: "print the version" },
} as const satisfies FlagTable;

export const shutdownFlags = {
  state: serveFlags.state,
  host: {
    type: "string",
    short: "H",
    value: "ENDPOINT",
    doc: "where the engine listens (default ipc://STATE/engine.sock)",
  },
  help: serveFlags.help,
} as const satisfies FlagTable;

export const helpText = formatHelp({
  usage: "engine [OPTIONS]\n        engine shutdown [OPTIONS]",
  summary:
    "Serves containers, images, networks and volumes to clients. SIGTERM and SIGINT end the engine; containers keep running;\n" +
    "`engine shutdown` stops all containers and ends everything that belongs to a running engine.",
  flags: serveFlags,
  examples: [
    "engine",
    "engine --root /srv/gantry --state /run/gantry-2 --bridge gantry2 --runtime runc=/usr/sbin/runc",
    "engine shutdown --state /run/gantry-2",
  ],
  footer: "Programs that are not named are looked up beside the engine's own file, then in PATH.",
});

export const shutdownHelp = formatHelp({
  usage: "engine shutdown [OPTIONS]",
  summary: "Stops all containers, removes bridges and rules, and ends the engine and the supervisor that it started.",
  flags: shutdownFlags,
  examples: ["engine shutdown", "engine shutdown --state /run/gantry-2"],
});

/** The options of an engine, with all defaults filled in. */
export interface EngineOptions {
  readonly root: string;
  readonly state: string;
  readonly endpoint: string;
  readonly supervisorEndpoint: string | undefined;
  readonly supervisorPath: string;
  readonly shim: string;
  readonly ociRuntime: string;
  readonly runtimes: Readonly<Record<string, RuntimeChoice>>;
  readonly defaultRuntime: string;
  readonly initPath: string;
  /** Undefined: no proxies. */
  readonly proxyPath: string | undefined;
  readonly cgroupParent: string;
  readonly bridge: string;
  readonly bip: string | undefined;
  readonly iptables: boolean;
  readonly standby: number | undefined;
  /** The supervisor's snapshotter; undefined: its own choice. */
  readonly storageDriver: string | undefined;
  readonly registryConfig: string | undefined;
  readonly cpus: number;
}

/** Where programs are looked up. */
export interface ProgramLocations {
  /** The running program's own file. */
  readonly self: string;
  readonly path: string;
}

/** @throws UsageError naming the flag that is wrong */
export function engineOptions(values: FlagValues<typeof serveFlags>, locations: ProgramLocations): EngineOptions {
  const state = resolve(values.state);
  const program = (given: string | undefined, name: string) =>
    given === undefined ? programPath(name, locations) : resolve(given);
  const ociRuntime = program(values["oci-runtime"], "oci-runtime");
  const runtimes: Record<string, RuntimeChoice> = {
    "oci-runtime": { path: ociRuntime, worker: true },
    ...Object.fromEntries(values.runtime.map((text) => runtimeFlag(text, locations))),
  };
  if (!Object.hasOwn(runtimes, values["default-runtime"])) {
    throw new UsageError(
      `invalid value for --default-runtime: "${values["default-runtime"]}" is not one of ${Object.keys(runtimes).join(", ")}`,
    );
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,11}$/.test(values.bridge)) {
    throw new UsageError(
      `invalid value for --bridge: "${values.bridge}" must have 1 to 12 letters, digits, '_', '.' or '-'`,
    );
  }
  if (
    !/^\/?[a-zA-Z0-9_.-]+(\/[a-zA-Z0-9_.-]+)*$/.test(values["cgroup-parent"]) ||
    values["cgroup-parent"].includes("..")
  ) {
    throw new UsageError(
      `invalid value for --cgroup-parent: "${values["cgroup-parent"]}" must be a path of cgroup names`,
    );
  }
  return {
    root: resolve(values.root),
    state,
    endpoint: values.host ?? `ipc://${state}/engine.sock`,
    supervisorEndpoint: values.supervisor,
    supervisorPath: program(values["supervisor-path"], "supervisor"),
    shim: program(values.shim, "shim"),
    ociRuntime,
    runtimes,
    defaultRuntime: values["default-runtime"],
    initPath: program(values["init-path"], "tini-static"),
    proxyPath: values["userland-proxy"] ? program(values["userland-proxy-path"], "port-proxy") : undefined,
    cgroupParent: values["cgroup-parent"],
    bridge: values.bridge,
    bip: values.bip,
    iptables: values.iptables,
    standby: values.standby,
    storageDriver: values["storage-driver"],
    registryConfig: values["registry-config"],
    cpus: availableParallelism(),
  };
}

function runtimeFlag(text: string, locations: ProgramLocations): [string, RuntimeChoice] {
  const match = /^([a-zA-Z0-9][a-zA-Z0-9_.-]*)=(.+)$/.exec(text);
  if (!match) throw new UsageError(`invalid value "${text}" for --runtime: must be NAME=FILE`);
  const [, name = "", file = ""] = match;
  const path = isAbsolute(file) || file.includes("/") ? resolve(file) : programPath(file, locations);
  // Our own runtime can also be run by its command line, under another name.
  return [name, { path, worker: name === "oci-runtime" && basename(path) === "oci-runtime" }];
}

/** An executable beside the engine's own file, or on PATH; where there is none, its use fails with the first of these paths. */
function programPath(name: string, { self, path }: ProgramLocations): string {
  return findSibling(name, path, self) ?? join(dirname(self), name);
}
