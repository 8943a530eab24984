import type { FlagTable } from "@gantry/cli";

const process = {
  env: { type: "list", short: "e", value: "NAME[=VALUE]", doc: "Set environment variables" },
  "env-file": { type: "list", value: "FILE", doc: "Read in a file of environment variables" },
  workdir: { type: "string", short: "w", value: "DIR", doc: "Working directory inside the container" },
  user: { type: "string", short: "u", value: "USER[:GROUP]", doc: "Name or id of the user and group" },
  entrypoint: { type: "string", value: "COMMAND", doc: "Overwrite the default ENTRYPOINT of the image" },
  init: { type: "boolean", doc: "Run an init inside the container that forwards signals and reaps processes" },
  interactive: { type: "boolean", short: "i", doc: "Keep STDIN open even if not attached" },
  tty: { type: "boolean", short: "t", doc: "Allocate a pseudo-TTY" },
  attach: { type: "list", short: "a", value: "STREAM", doc: "Attach to STDIN, STDOUT or STDERR" },
  "stop-signal": { type: "string", value: "SIGNAL", doc: "Signal to stop the container" },
  "stop-timeout": { type: "integer", value: "SECONDS", doc: "Time to wait before it is killed" },
} as const satisfies FlagTable;

const identity = {
  name: { type: "string", value: "NAME", doc: "Assign a name to the container" },
  hostname: { type: "string", short: "h", value: "NAME", doc: "Container host name" },
  domainname: { type: "string", value: "NAME", doc: "Container NIS domain name" },
  label: { type: "list", short: "l", value: "NAME[=VALUE]", doc: "Set meta data on a container" },
  "label-file": { type: "list", value: "FILE", doc: "Read in a line delimited file of labels" },
  cidfile: { type: "string", value: "FILE", doc: "Write the container ID to the file" },
  platform: { type: "string", value: "OS/ARCH", doc: "Set platform if the image has several" },
  pull: {
    type: "string",
    value: "POLICY",
    choices: ["always", "missing", "never"],
    default: "missing",
    doc: "Pull the image before creating: always, missing, never",
  },
  quiet: { type: "boolean", short: "q", doc: "Suppress the pull output" },
} as const satisfies FlagTable;

const storage = {
  volume: { type: "list", short: "v", value: "[SOURCE:]TARGET[:MODE]", doc: "Bind mount a directory or a volume" },
  mount: { type: "list", value: "KEY=VALUE,…", doc: "Attach a filesystem mount to the container" },
  tmpfs: { type: "list", value: "TARGET[:OPTIONS]", doc: "Mount a tmpfs directory" },
  "read-only": { type: "boolean", doc: "Mount the container's root filesystem as read only" },
  "shm-size": { type: "string", value: "BYTES", doc: "Size of /dev/shm" },
  device: { type: "list", value: "HOST[:PATH][:rwm]", doc: "Add a host device to the container" },
} as const satisfies FlagTable;

const network = {
  network: {
    type: "list",
    value: "NETWORK",
    aliases: ["net"],
    doc: "Connect a container to a network: bridge, host, none, container:NAME, or a name",
  },
  "network-alias": { type: "list", value: "NAME", aliases: ["net-alias"], doc: "Add a name within the network" },
  publish: { type: "list", short: "p", value: "[[IP:]HOST:]PORT", doc: "Publish a container's ports to the host" },
  "publish-all": { type: "boolean", short: "P", doc: "Publish all exposed ports to random ports" },
  expose: { type: "list", value: "PORT", doc: "Expose a port or a range of ports" },
  ip: { type: "string", value: "ADDRESS", doc: "IPv4 address" },
  ip6: { type: "string", value: "ADDRESS", doc: "IPv6 address" },
  "mac-address": { type: "string", value: "ADDRESS", doc: "MAC address of the container's interface" },
  dns: { type: "list", value: "ADDRESS", doc: "Set custom DNS servers" },
  "dns-search": { type: "list", value: "DOMAIN", doc: "Set custom DNS search domains" },
  "dns-option": { type: "list", value: "OPTION", aliases: ["dns-opt"], doc: "Set DNS options" },
  "add-host": { type: "list", value: "HOST:IP", doc: "Add a custom host-to-IP mapping" },
} as const satisfies FlagTable;

const limits = {
  memory: { type: "string", short: "m", value: "BYTES", doc: "Memory limit" },
  "memory-swap": { type: "string", value: "BYTES", doc: "Limit of memory plus swap; -1 for unlimited swap" },
  "memory-reservation": { type: "string", value: "BYTES", doc: "Memory soft limit" },
  cpus: { type: "string", value: "NUMBER", doc: "Number of CPUs" },
  "cpu-shares": { type: "integer", short: "c", value: "WEIGHT", doc: "CPU shares (relative weight)" },
  "cpu-period": { type: "integer", value: "MICROSECONDS", doc: "Limit CPU CFS period" },
  "cpu-quota": { type: "integer", value: "MICROSECONDS", doc: "Limit CPU CFS quota" },
  "cpuset-cpus": { type: "string", value: "LIST", doc: "CPUs in which to allow execution (0-3, 0,1)" },
  "cpuset-mems": { type: "string", value: "LIST", doc: "Memory nodes in which to allow execution" },
  "pids-limit": { type: "integer", value: "NUMBER", doc: "Limit of processes; -1 for unlimited" },
  "blkio-weight": { type: "integer", value: "WEIGHT", doc: "Block IO weight, 10 to 1000, or 0 for none" },
  ulimit: { type: "list", value: "NAME=SOFT[:HARD]", doc: "Ulimit options" },
  "oom-score-adj": { type: "integer", value: "NUMBER", doc: "Tune host's OOM preferences (-1000 to 1000)" },
  "cgroup-parent": { type: "string", value: "CGROUP", doc: "Parent cgroup for the container" },
} as const satisfies FlagTable;

const security = {
  privileged: { type: "boolean", doc: "Give extended privileges to this container" },
  "cap-add": { type: "list", value: "CAPABILITY", doc: "Add Linux capabilities" },
  "cap-drop": { type: "list", value: "CAPABILITY", doc: "Drop Linux capabilities" },
  "security-opt": { type: "list", value: "OPTION", doc: "Security options" },
  "group-add": { type: "list", value: "GROUP", doc: "Add additional groups to join" },
  sysctl: { type: "list", value: "NAME=VALUE", doc: "Sysctl options" },
  pid: { type: "string", value: "MODE", doc: "PID namespace to use: host, container:NAME" },
  ipc: { type: "string", value: "MODE", doc: "IPC namespace to use: none, private, shareable, host, container:NAME" },
  uts: { type: "string", value: "MODE", doc: "UTS namespace to use: host" },
} as const satisfies FlagTable;

const engine = {
  rm: { type: "boolean", doc: "Remove the container when it exits" },
  restart: { type: "string", value: "POLICY", doc: "Restart policy: no, always, unless-stopped, on-failure[:COUNT]" },
  runtime: { type: "string", value: "NAME", doc: "Runtime to use for this container" },
  "log-driver": { type: "string", value: "DRIVER", doc: "Logging driver for the container" },
  "log-opt": { type: "list", value: "NAME=VALUE", doc: "Log driver options" },
} as const satisfies FlagTable;

/** The flags of `create`. */
export const createFlags = {
  ...process,
  ...identity,
  ...storage,
  ...network,
  ...limits,
  ...security,
  ...engine,
} as const satisfies FlagTable;

/** The flags of `run`. */
export const runFlags = {
  ...createFlags,
  detach: { type: "boolean", short: "d", doc: "Run container in background and print container ID" },
  "detach-keys": { type: "string", value: "KEYS", doc: "Override the key sequence for detaching a container" },
  "sig-proxy": { type: "boolean", default: true, doc: "Proxy received signals to the process" },
} as const satisfies FlagTable;
