import type { FlagTable, HelpText } from "@gantry/cli";

/** Flags before the command: runc's. */
export const globalFlags = {
  root: { type: "string", value: "DIR", doc: "directory of the containers' state" },
  log: { type: "string", value: "FILE", doc: "file that errors and warnings are written to" },
  "log-format": { type: "string", value: "FORMAT", doc: "format of --log", default: "text", choices: ["text", "json"] },
  debug: { type: "boolean", doc: "log debug messages, too" },
  "systemd-cgroup": { type: "boolean", doc: "let systemd create cgroups; linux.cgroupsPath is slice:prefix:name" },
  rootless: {
    type: "string",
    value: "WHEN",
    doc: "true, false or auto: run containers without cgroups where this user may create none",
    default: "auto",
  },
  criu: { type: "string", value: "PATH", doc: "the criu program, for checkpoint and restore", default: "criu" },
  help: { type: "boolean", short: "h", doc: "print this help" },
  version: { type: "boolean", short: "v", doc: "print the version" },
} as const satisfies FlagTable;

const lifecycle = [
  ["create", "create a container; its process waits for start"],
  ["start", "let a created container's process run its program"],
  ["run", "create and start, and wait unless --detach is given"],
  ["exec", "run another process in a running container"],
  ["kill", "send a signal to a container"],
  ["delete", "remove a stopped container"],
  ["pause", "suspend all processes of a container"],
  ["resume", "resume a paused container"],
  ["checkpoint", "write a container's processes to files, by CRIU"],
  ["restore", "restore a container from a checkpoint, by CRIU"],
  ["update", "change a container's limits"],
] as const;

const information = [
  ["state", "print a container's state"],
  ["list", "list containers"],
  ["ps", "list the processes of a container"],
  ["events", "print a container's statistics and out-of-memory events"],
  ["plan", "print the kernel operations of a bundle as text"],
  ["spec", "write a config.json to start from"],
  ["features", "print what this runtime can do"],
] as const;

const service = [["worker", "serve these commands over messages"]] as const;

export type CommandName = (typeof lifecycle | typeof information | typeof service)[number][0];

export const helpText: HelpText = {
  usage: "oci-runtime [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]",
  summary: "Runs containers from OCI bundles: a directory with a config.json and a root file system.",
  groups: [
    { title: "Containers", commands: lifecycle },
    { title: "Information", commands: information },
    { title: "Service", commands: service },
  ],
  flags: globalFlags,
  examples: [
    "oci-runtime spec --bundle /tmp/box          # then put a root file system into /tmp/box/rootfs",
    "oci-runtime run --bundle /tmp/box box",
    "oci-runtime plan --bundle /tmp/box",
  ],
  footer: "Run oci-runtime COMMAND --help for details of a command.",
};

const names = new Set<string>([...lifecycle, ...information, ...service].map(([name]) => name));

export function isCommand(name: string): name is CommandName {
  return names.has(name);
}
