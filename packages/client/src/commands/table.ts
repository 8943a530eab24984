import type { Command } from "../command.ts";

type Load = () => Promise<{ readonly command: Command }>;

/** A command's names: `client NOUN VERB`, and where docker has it, `client SHORT`. */
export interface Entry {
  readonly noun: string;
  readonly verb: string;
  /** Aliases of the verb. */
  readonly also?: readonly string[];
  /** Top-level names. The first one is listed in the help. */
  readonly short?: readonly string[];
  readonly summary: string;
  readonly common?: boolean;
  readonly load: Load;
}

const container = (verb: string, summary: string, load: Load, rest: Partial<Entry> = {}): Entry => ({
  noun: "container",
  verb,
  short: [verb],
  summary,
  load,
  ...rest,
});

const containers: readonly Entry[] = [
  container("run", "Create and run a new container from an image", () => import("./container/run.ts"), {
    common: true,
  }),
  container("exec", "Execute a command in a running container", () => import("./container/exec.ts"), { common: true }),
  container("ls", "List containers", () => import("./container/ls.ts"), {
    short: ["ps"],
    also: ["list", "ps"],
    common: true,
  }),
  container("attach", "Attach local standard streams to a running container", () => import("./container/attach.ts")),
  container("commit", "Create a new image from a container's changes", () => import("./container/commit.ts")),
  container("create", "Create a new container", () => import("./container/create.ts")),
  container(
    "inspect",
    "Display detailed information on one or more containers",
    () => import("./container/inspect.ts"),
    {
      short: [],
    },
  ),
  container("kill", "Kill one or more running containers", () => import("./container/kill.ts")),
  container("logs", "Fetch the logs of a container", () => import("./container/logs.ts")),
  container("pause", "Pause all processes within one or more containers", () => import("./container/pause.ts")),
  container("port", "List port mappings of a container", () => import("./container/port.ts")),
  container("prune", "Remove all stopped containers", () => import("./container/prune.ts"), { short: [] }),
  container("rename", "Rename a container", () => import("./container/rename.ts")),
  container("restart", "Restart one or more containers", () => import("./container/restart.ts")),
  container("rm", "Remove one or more containers", () => import("./container/rm.ts"), { also: ["remove"] }),
  container("start", "Start one or more stopped containers", () => import("./container/start.ts")),
  container("stop", "Stop one or more running containers", () => import("./container/stop.ts")),
  container("top", "Display the running processes of a container", () => import("./container/top.ts")),
  container("unpause", "Unpause all processes within one or more containers", () => import("./container/unpause.ts")),
  container("wait", "Block until containers stop, then print their exit codes", () => import("./container/wait.ts")),
];

const images: readonly Entry[] = [
  {
    noun: "image",
    verb: "pull",
    short: ["pull"],
    common: true,
    summary: "Download an image from a registry",
    load: () => import("./image/pull.ts"),
  },
  {
    noun: "image",
    verb: "push",
    short: ["push"],
    common: true,
    summary: "Upload an image to a registry",
    load: () => import("./image/push.ts"),
  },
  {
    noun: "image",
    verb: "ls",
    also: ["list"],
    short: ["images"],
    common: true,
    summary: "List images",
    load: () => import("./image/ls.ts"),
  },
  {
    noun: "image",
    verb: "history",
    short: ["history"],
    summary: "Show the history of an image",
    load: () => import("./image/history.ts"),
  },
  {
    noun: "image",
    verb: "import",
    short: ["import"],
    summary: "Import the contents from a tarball to create a filesystem image",
    load: () => import("./image/import.ts"),
  },
  {
    noun: "image",
    verb: "inspect",
    summary: "Display detailed information on one or more images",
    load: () => import("./image/inspect.ts"),
  },
  {
    noun: "image",
    verb: "load",
    short: ["load"],
    summary: "Load an image from a tar archive or STDIN",
    load: () => import("./image/load.ts"),
  },
  {
    noun: "image",
    verb: "rm",
    also: ["remove"],
    short: ["rmi"],
    summary: "Remove one or more images",
    load: () => import("./image/rm.ts"),
  },
  {
    noun: "image",
    verb: "save",
    short: ["save"],
    summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    load: () => import("./image/save.ts"),
  },
  {
    noun: "image",
    verb: "tag",
    short: ["tag"],
    summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    load: () => import("./image/tag.ts"),
  },
];

const volumes: readonly Entry[] = [
  { noun: "volume", verb: "create", summary: "Create a volume", load: () => import("./volume/create.ts") },
  {
    noun: "volume",
    verb: "inspect",
    summary: "Display detailed information on one or more volumes",
    load: () => import("./volume/inspect.ts"),
  },
  { noun: "volume", verb: "ls", also: ["list"], summary: "List volumes", load: () => import("./volume/ls.ts") },
  { noun: "volume", verb: "prune", summary: "Remove unused local volumes", load: () => import("./volume/prune.ts") },
  {
    noun: "volume",
    verb: "rm",
    also: ["remove"],
    summary: "Remove one or more volumes",
    load: () => import("./volume/rm.ts"),
  },
];

const networks: readonly Entry[] = [
  {
    noun: "network",
    verb: "connect",
    summary: "Connect a container to a network",
    load: () => import("./network/connect.ts"),
  },
  { noun: "network", verb: "create", summary: "Create a network", load: () => import("./network/create.ts") },
  {
    noun: "network",
    verb: "disconnect",
    summary: "Disconnect a container from a network",
    load: () => import("./network/disconnect.ts"),
  },
  {
    noun: "network",
    verb: "inspect",
    summary: "Display detailed information on one or more networks",
    load: () => import("./network/inspect.ts"),
  },
  { noun: "network", verb: "ls", also: ["list"], summary: "List networks", load: () => import("./network/ls.ts") },
  { noun: "network", verb: "prune", summary: "Remove all unused networks", load: () => import("./network/prune.ts") },
  {
    noun: "network",
    verb: "rm",
    also: ["remove"],
    summary: "Remove one or more networks",
    load: () => import("./network/rm.ts"),
  },
];

const systems: readonly Entry[] = [
  {
    noun: "system",
    verb: "events",
    short: ["events"],
    summary: "Get real time events from the engine",
    load: () => import("./system/events.ts"),
  },
  {
    noun: "system",
    verb: "info",
    short: ["info"],
    common: true,
    summary: "Display system-wide information",
    load: () => import("./system/info.ts"),
  },
  {
    noun: "",
    verb: "",
    short: ["login"],
    common: true,
    summary: "Authenticate to a registry",
    load: () => import("./registry/login.ts"),
  },
  {
    noun: "",
    verb: "",
    short: ["logout"],
    common: true,
    summary: "Log out from a registry",
    load: () => import("./registry/logout.ts"),
  },
  {
    noun: "",
    verb: "",
    short: ["version"],
    common: true,
    summary: "Show the Gantry version information",
    load: () => import("./system/version.ts"),
  },
  {
    noun: "",
    verb: "",
    short: ["inspect"],
    summary: "Return low-level information on containers, images, networks and volumes",
    load: () => import("./system/inspect.ts"),
  },
];

export const entries: readonly Entry[] = [...containers, ...images, ...networks, ...systems, ...volumes];

export const nouns: readonly (readonly [noun: string, summary: string])[] = [
  ["container", "Manage containers"],
  ["image", "Manage images"],
  ["network", "Manage networks"],
  ["system", "Manage Gantry"],
  ["volume", "Manage volumes"],
];

/** The command that the first arguments name, with the arguments that did, or the unknown name. */
export type Found =
  | { readonly kind: "command"; readonly entry: Entry; readonly names: readonly string[] }
  | { readonly kind: "noun"; readonly noun: string }
  | { readonly kind: "unknown"; readonly name: string };

/** Finds a command by the first arguments. */
export function findCommand(args: readonly string[]): Found {
  const [first = "", second] = args;
  const isNoun = nouns.some(([noun]) => noun === first);
  if (!isNoun) {
    const entry = entries.find(({ short }) => short?.includes(first));
    return entry ? { kind: "command", entry, names: [first] } : { kind: "unknown", name: first };
  }
  if (second === undefined || second === "--help" || second === "-h") return { kind: "noun", noun: first };
  const entry = entries.find(({ noun, verb, also }) => noun === first && (verb === second || also?.includes(second)));
  return entry ? { kind: "command", entry, names: [first, second] } : { kind: "unknown", name: `${first} ${second}` };
}
