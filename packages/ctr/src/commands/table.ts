import type { Command } from "../command.ts";

/** A command and how to load it. */
export interface Entry {
  readonly name: string;
  /** Aliases. */
  readonly also?: readonly string[];
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** A group of commands. */
export interface Noun {
  readonly name: string;
  readonly also?: readonly string[];
  readonly summary: string;
  readonly verbs: readonly Entry[];
  /** Verbs of containerd's ctr that are not supported: the alternative. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Flags that may also stand before the verb: their names, all of which take a value. */
  readonly flags?: readonly string[];
}

type Load = Entry["load"];
const verb = (names: string, summary: string, load: Load): Entry => {
  const [name = "", ...also] = names.split(" ");
  return { name, also, summary, load };
};

const list = "list ls";
const remove = "delete del remove rm";

const bundle = [verb("create", "create a runtime bundle from an image", () => import("./bundle/create.ts"))];

const containers = [
  verb("create", "create a container", () => import("./containers/create.ts")),
  verb(remove, "delete one or more existing containers", () => import("./containers/delete.ts")),
  verb("info", "get info about a container", () => import("./containers/info.ts")),
  verb(list, "list containers", () => import("./containers/list.ts")),
  verb("label", "set and clear labels for a container", () => import("./containers/label.ts")),
];

const content = [
  verb("active", "display active transfers", () => import("./content/active.ts")),
  verb(remove, "permanently delete one or more blobs", () => import("./content/delete.ts")),
  verb("edit", "edit a blob and print the new one's digest", () => import("./content/edit.ts")),
  verb("fetch", "fetch all content of an image", () => import("./content/fetch.ts")),
  verb("fetch-object", "write objects of a registry to standard output", () => import("./content/fetch-object.ts")),
  verb("get", "get the data of an object", () => import("./content/get.ts")),
  verb("ingest", "accept content into the store", () => import("./content/ingest.ts")),
  verb(list, "list all blobs in the store", () => import("./content/list.ts")),
  verb("label", "set and clear labels of content", () => import("./content/label.ts")),
  verb("push-object", "push an object to a registry", () => import("./content/push-object.ts")),
  verb("prune", "remove unreferenced content", () => import("./content/prune.ts")),
];

const leases = [
  verb(list, "list all active leases", () => import("./leases/list.ts")),
  verb("create", "create a lease", () => import("./leases/create.ts")),
  verb(remove, "delete leases", () => import("./leases/delete.ts")),
];

const plugins = [verb(list, "list the supervisor's plugins", () => import("./plugins/list.ts"))];

const images = [
  verb("check", "check that all content of images is available locally", () => import("./images/check.ts")),
  verb("export", "export images as an archive", () => import("./images/export.ts")),
  verb("import", "import images from an archive", () => import("./images/import.ts")),
  verb(list, "list images", () => import("./images/list.ts")),
  verb("mount", "mount an image to a target path", () => import("./images/mount.ts")),
  verb("unmount", "unmount the image from the target", () => import("./images/unmount.ts")),
  verb("pull", "pull an image from a registry", () => import("./images/pull.ts")),
  verb("push", "push an image to a registry", () => import("./images/push.ts")),
  verb(remove, "remove one or more images by reference", () => import("./images/delete.ts")),
  verb("tag", "tag an image", () => import("./images/tag.ts")),
  verb("label", "set and clear labels for an image", () => import("./images/label.ts")),
  verb("unpack", "write an image's root file system into a directory", () => import("./images/unpack.ts")),
];

const namespaces = [
  verb("create c", "create a new namespace", () => import("./namespaces/create.ts")),
  verb(list, "list namespaces", () => import("./namespaces/list.ts")),
  verb("remove rm", "remove one or more namespaces", () => import("./namespaces/remove.ts")),
  verb("label", "set and clear labels for a namespace", () => import("./namespaces/label.ts")),
];

const oci = [verb("spec", "see the default OCI spec", () => import("./oci/spec.ts"))];

const snapshots = [
  verb("commit", "commit an active snapshot under the provided name", () => import("./snapshots/commit.ts")),
  verb("diff", "get the difference of two snapshots as a layer", () => import("./snapshots/diff.ts")),
  verb("info", "get info about a snapshot", () => import("./snapshots/info.ts")),
  verb(list, "list snapshots", () => import("./snapshots/list.ts")),
  verb("mounts m mount", "get the mount command of a snapshot", () => import("./snapshots/mounts.ts")),
  verb("prepare", "prepare a snapshot from a committed snapshot", () => import("./snapshots/prepare.ts")),
  verb(remove, "remove snapshots", () => import("./snapshots/delete.ts")),
  verb("label", "add labels to a snapshot", () => import("./snapshots/label.ts")),
  verb("tree", "display tree view of snapshot branches", () => import("./snapshots/tree.ts")),
  verb("unpack", "apply the layers of a manifest to snapshots", () => import("./snapshots/unpack.ts")),
  verb("usage", "usage of snapshots", () => import("./snapshots/usage.ts")),
  verb("view", "create a read-only snapshot from a committed snapshot", () => import("./snapshots/view.ts")),
];

const tasks = [
  verb("attach", "attach to the IO of a running container", () => import("./tasks/attach.ts")),
  verb("checkpoint", "checkpoint a container", () => import("./tasks/checkpoint.ts")),
  verb(remove, "delete one or more tasks", () => import("./tasks/delete.ts")),
  verb("exec", "execute additional processes in an existing container", () => import("./tasks/exec.ts")),
  verb(list, "list tasks", () => import("./tasks/list.ts")),
  verb("kill", "signal a container (default: SIGTERM)", () => import("./tasks/kill.ts")),
  verb("pause", "pause an existing container", () => import("./tasks/pause.ts")),
  verb("ps", "list processes of a container", () => import("./tasks/ps.ts")),
  verb("resume", "resume a paused container", () => import("./tasks/resume.ts")),
  verb("start", "start a container that has been created", () => import("./tasks/start.ts")),
  verb("metrics metric", "get a single data point of metrics for a task", () => import("./tasks/metrics.ts")),
];

/** Unsupported verbs, with alternatives. */
const refusedContainers = {
  checkpoint: "a task is frozen into a directory by: ctr tasks checkpoint --image-path DIR CONTAINER",
  restore: "a checkpoint is a directory here, not an image, and is read by the OCI runtime's restore",
};
const refusedImages = {
  convert: "an image keeps the form it came in; ctr images export writes it as an OCI archive",
};

export const nouns: readonly Noun[] = [
  { name: "bundle", summary: "Create runtime bundles", verbs: bundle },
  {
    name: "containers",
    also: ["c", "container"],
    summary: "Manage containers",
    verbs: containers,
    refused: refusedContainers,
  },
  { name: "content", summary: "Manage content", verbs: content },
  { name: "images", also: ["image", "i"], summary: "Manage images", verbs: images, refused: refusedImages },
  { name: "leases", summary: "Manage leases", verbs: leases },
  { name: "namespaces", also: ["namespace", "ns"], summary: "Manage namespaces", verbs: namespaces },
  { name: "oci", summary: "OCI tools", verbs: oci },
  { name: "plugins", also: ["plugin"], summary: "Show the supervisor's plugins", verbs: plugins },
  { name: "snapshots", also: ["snapshot"], summary: "Manage snapshots", verbs: snapshots, flags: ["snapshotter"] },
  { name: "tasks", also: ["t", "task"], summary: "Manage tasks", verbs: tasks },
];

export const topLevel: readonly Entry[] = [
  verb("events event", "display events", () => import("./top/events.ts")),
  verb("info", "print the supervisor's version, process and directories", () => import("./top/info.ts")),
  verb("run", "run a container", () => import("./top/run.ts")),
  verb("version", "print the client and supervisor versions", () => import("./top/version.ts")),
];

/** The command that the first arguments name, with those and the other arguments, or the unknown name. */
export type Found =
  | { readonly kind: "command"; readonly entry: Entry; readonly names: readonly string[]; readonly rest: string[] }
  | { readonly kind: "noun"; readonly noun: Noun }
  | { readonly kind: "unknown"; readonly name: string; readonly see: string; readonly instead?: string };

/** Finds a command by the first arguments. */
export function findCommand(args: readonly string[]): Found {
  const [first = "", ...rest] = args;
  const top = topLevel.find((entry) => isNamed(entry, first));
  if (top) return { kind: "command", entry: top, names: [first], rest };
  const noun = nouns.find((candidate) => isNamed(candidate, first));
  if (!noun) return { kind: "unknown", name: first, see: "ctr" };
  const before = flagsBefore(rest, noun);
  const second = rest[before];
  if (second === undefined || ["--help", "-h", "help", "h"].includes(second)) return { kind: "noun", noun };
  const entry = noun.verbs.find((candidate) => isNamed(candidate, second));
  if (!entry) {
    const instead = Object.entries(noun.refused ?? {}).find(([verb]) => verb === second)?.[1];
    return { kind: "unknown", name: `${first} ${second}`, see: `ctr ${first}`, ...(instead && { instead }) };
  }
  const after = [...rest.slice(0, before), ...rest.slice(before + 1)];
  return { kind: "command", entry, names: [first, second], rest: after };
}

/** Number of arguments before the verb that are the noun's flags: `snapshots --snapshotter native ls`. */
function flagsBefore(args: readonly string[], { flags = [] }: Noun): number {
  let at = 0;
  for (;;) {
    const [, name = "", equals] = /^--?([a-z-]+)(=)?/.exec(args[at] ?? "") ?? [];
    if (!flags.includes(name)) return at;
    at += equals ? 1 : 2;
  }
}

function isNamed({ name, also }: { readonly name: string; readonly also?: readonly string[] }, text: string): boolean {
  return name === text || also?.includes(text) === true;
}
