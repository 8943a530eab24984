import * as v from "valibot";
import {
  attachInput,
  descriptor,
  digest,
  document,
  empty,
  exitStatus,
  identifier,
  integer,
  labels,
  outputItem,
  processStatus,
  progress,
  registryAuth,
  runtime,
  stdio,
  timestamp,
} from "./common.ts";
import { call, contract, stream } from "./define.ts";

/** Every request is made in one namespace; namespaces do not see each other's images, containers, snapshots and tasks. */
const inNamespace = { namespace: identifier };
const named = v.object({ ...inNamespace, name: v.string() });
const ofContainer = { ...inNamespace, containerId: identifier };
/** A process of a task: without execId its first one. */
const ofProcess = { ...ofContainer, execId: v.optional(identifier) };

export const image = v.object({
  /** Full reference: docker.io/library/busybox:latest. */
  name: v.string(),
  /** Its manifest or index. */
  target: descriptor,
  labels,
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type Image = v.InferOutput<typeof image>;

/** An image as one platform sees it. */
export const resolvedImage = v.object({
  image,
  manifest: descriptor,
  config: descriptor,
  /** The OCI image configuration (image-spec config.md). */
  configDocument: document,
  /** Snapshot that holds the unpacked layers: the chain id of the last layer; empty for an image without layers. */
  chainId: v.string(),
  /** Bytes on disk of the unpacked layers. */
  unpackedSize: integer,
  /** Bytes of the compressed layers, config and manifest. */
  contentSize: integer,
  /** Every digest that other names of the same repository give it: repo@sha256:… */
  repoDigests: v.array(v.string()),
});
export type ResolvedImage = v.InferOutput<typeof resolvedImage>;

export { type Progress, progress, registryAuth } from "./common.ts";

export const snapshotKind = v.picklist(["view", "active", "committed"]);
export const snapshot = v.object({
  key: v.string(),
  parent: v.string(),
  kind: snapshotKind,
  labels,
  createdAt: timestamp,
});

/** mount(8)-like: what to mount to see a snapshot. */
export const mountSpec = v.object({ type: v.string(), source: v.string(), options: v.array(v.string()) });

export const container = v.object({
  id: identifier,
  /** Image name, for show; may be empty. */
  image: v.string(),
  labels,
  /** OCI config.json; `root.path` is set when the task is made. */
  spec: document,
  /** An active snapshot that becomes the root file system; empty if spec.root.path is absolute and complete. */
  snapshotKey: v.string(),
  runtime,
  /** user[:group] by name or number, looked up in the root file system when the task is made; empty: spec.process.user as it is. */
  user: v.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type ContainerRecord = v.InferOutput<typeof container>;

export const task = v.object({
  containerId: identifier,
  execId: v.optional(identifier),
  pid: integer,
  status: processStatus,
  terminal: v.boolean(),
  exitStatus: v.optional(exitStatus),
  exitedAt: v.optional(timestamp),
});
export type Task = v.InferOutput<typeof task>;

/** containerd's topics; `sequence` counts up without gaps while a supervisor's state lives. */
export const supervisorEvent = v.object({
  sequence: integer,
  time: timestamp,
  namespace: v.string(),
  topic: v.picklist([
    "/containers/create",
    "/containers/update",
    "/containers/delete",
    "/images/create",
    "/images/update",
    "/images/delete",
    "/snapshot/prepare",
    "/snapshot/commit",
    "/snapshot/remove",
    "/tasks/create",
    "/tasks/start",
    "/tasks/exit",
    "/tasks/delete",
    "/tasks/oom",
    "/tasks/paused",
    "/tasks/resumed",
    "/tasks/exec-added",
    "/tasks/exec-started",
    "/namespaces/create",
    "/namespaces/update",
    "/namespaces/delete",
  ]),
  /** Container, image name, snapshot key or namespace, by topic. */
  id: v.string(),
  execId: v.optional(v.string()),
  pid: v.optional(integer),
  exitStatus: v.optional(exitStatus),
});
export type SupervisorEvent = v.InferOutput<typeof supervisorEvent>;

const contentInfo = v.object({ digest, size: integer, createdAt: timestamp, labels });

const namespaces = {
  "namespaces.create": call({
    doc: "Makes a namespace.",
    request: v.object({ name: identifier, labels }),
    reply: empty,
  }),
  "namespaces.list": call({
    doc: "All namespaces with their labels.",
    idempotent: true,
    request: empty,
    reply: v.object({ namespaces: v.array(v.object({ name: v.string(), labels })) }),
  }),
  "namespaces.label": call({
    doc: "Sets labels; an empty value removes one.",
    idempotent: true,
    request: v.object({ name: identifier, labels }),
    reply: empty,
  }),
  "namespaces.delete": call({
    doc: "Removes an empty namespace; FailedPrecondition names what is in it.",
    request: v.object({ name: identifier }),
    reply: empty,
  }),
};

const images = {
  "images.list": call({
    doc: "All images.",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ images: v.array(image) }),
  }),
  "images.get": call({ doc: "One image by its full name.", idempotent: true, request: named, reply: image }),
  "images.resolve": call({
    doc: "An image as this host's platform sees it (or the one asked for), unpacked on the way if it was not.",
    idempotent: true,
    request: v.object({ ...inNamespace, name: v.string(), platform: v.optional(v.string()) }),
    reply: resolvedImage,
  }),
  "images.tag": call({
    doc: "Gives an image another name, which it takes from whoever had it.",
    idempotent: true,
    request: v.object({ ...inNamespace, name: v.string(), newName: v.string() }),
    reply: image,
  }),
  "images.delete": call({
    doc: "Removes a name; what no name, container or snapshot needs any more is removed with it. The digests of what went are returned.",
    request: named,
    reply: v.object({ removed: v.array(v.string()) }),
  }),
  "images.pull": stream({
    doc: "Fetches an image from a registry and unpacks it.",
    request: v.object({
      ...inNamespace,
      /** Full reference with tag or digest. */
      name: v.string(),
      platform: v.optional(v.string()),
      auth: v.optional(registryAuth),
      /** Plain HTTP; allowed by itself for loopback only. */
      plainHttp: v.optional(v.boolean()),
    }),
    item: progress,
    input: v.never(),
    reply: v.object({ image, /** False when the name already had this target. */ changed: v.boolean() }),
  }),
  "images.load": stream({
    doc: "Reads a docker-archive, an OCI archive or a tar of an OCI layout (each also gzip or zstd) from the input's blobs.",
    request: v.object({
      ...inNamespace,
      /** Name for an image that the archive leaves without one; of several, its repository with their digests as tags. */
      defaultName: v.optional(v.string()),
      /** Repository that keeps an image whose last name the archive takes, its digest as tag; absent: it goes. */
      keepReplacedIn: v.optional(v.string()),
      platform: v.optional(v.string()),
    }),
    item: progress,
    input: empty,
    reply: v.object({ images: v.array(image) }),
  }),
  "images.importRootfs": stream({
    doc: "Makes a one-layer image of a tar (also gzip, zstd, xz where the host has it) of a root file system, read from the input's blobs.",
    request: v.object({
      ...inNamespace,
      name: v.string(),
      /** OCI image configuration to start from: config, author, … */ configDocument: document,
      platform: v.optional(v.string()),
    }),
    item: progress,
    input: empty,
    reply: v.object({ image, configDigest: digest }),
  }),
};

const content = {
  "content.info": call({
    doc: "Size and labels of a blob.",
    idempotent: true,
    request: v.object({ ...inNamespace, digest }),
    reply: contentInfo,
  }),
  "content.list": call({
    doc: "All blobs.",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ blobs: v.array(contentInfo) }),
  }),
  "content.read": stream({
    doc: "Bytes of a blob, in the items' blobs.",
    request: v.object({ ...inNamespace, digest, offset: v.optional(integer), length: v.optional(integer) }),
    item: empty,
    input: v.never(),
    reply: empty,
  }),
  "content.write": stream({
    doc: "Stores a blob from the input's blobs; its digest and size are checked before it becomes visible.",
    request: v.object({ ...inNamespace, digest, size: v.optional(integer), labels: v.optional(labels) }),
    item: v.never(),
    input: empty,
    reply: contentInfo,
  }),
  "content.delete": call({
    doc: "Removes a blob that nothing refers to.",
    request: v.object({ ...inNamespace, digest }),
    reply: empty,
  }),
};

const snapshots = {
  "snapshots.prepare": call({
    doc: "Makes an active (writable) snapshot on a committed parent (empty: on nothing).",
    request: v.object({ ...inNamespace, key: v.string(), parent: v.string(), labels: v.optional(labels) }),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.view": call({
    doc: "Makes a read-only snapshot.",
    request: v.object({ ...inNamespace, key: v.string(), parent: v.string() }),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.commit": call({
    doc: "Turns an active snapshot into a committed one.",
    request: v.object({ ...inNamespace, key: v.string(), name: v.string() }),
    reply: empty,
  }),
  "snapshots.stat": call({
    doc: "One snapshot.",
    idempotent: true,
    request: v.object({ ...inNamespace, key: v.string() }),
    reply: snapshot,
  }),
  "snapshots.list": call({
    doc: "All snapshots.",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ snapshots: v.array(snapshot) }),
  }),
  "snapshots.mounts": call({
    doc: "What to mount to see a snapshot.",
    idempotent: true,
    request: v.object({ ...inNamespace, key: v.string() }),
    reply: v.object({ mounts: v.array(mountSpec) }),
  }),
  "snapshots.usage": call({
    doc: "Bytes and inodes of its own.",
    idempotent: true,
    request: v.object({ ...inNamespace, key: v.string() }),
    reply: v.object({ size: integer, inodes: integer }),
  }),
  "snapshots.remove": call({
    doc: "Removes a snapshot without children.",
    request: v.object({ ...inNamespace, key: v.string() }),
    reply: empty,
  }),
};

const containers = {
  "containers.create": call({
    doc: "Records a container.",
    request: v.object({
      ...inNamespace,
      id: identifier,
      image: v.string(),
      labels,
      spec: document,
      snapshotKey: v.string(),
      runtime,
      user: v.string(),
    }),
    reply: container,
  }),
  "containers.get": call({
    doc: "One container.",
    idempotent: true,
    request: v.object({ ...inNamespace, id: identifier }),
    reply: container,
  }),
  "containers.list": call({
    doc: "All containers.",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ containers: v.array(container) }),
  }),
  "containers.update": call({
    doc: "Replaces spec, labels or user; a running task is not touched.",
    idempotent: true,
    request: v.object({
      ...inNamespace,
      id: identifier,
      spec: v.optional(document),
      labels: v.optional(labels),
      user: v.optional(v.string()),
    }),
    reply: container,
  }),
  "containers.delete": call({
    doc: "Forgets a container that has no task. Its snapshot stays.",
    request: v.object({ ...inNamespace, id: identifier }),
    reply: empty,
  }),
  "containers.mountRootfs": call({
    doc: "Mounts the container's root file system where a task would have it (a running task has it already) and tells where. It stays until unmountRootfs or the task's deletion.",
    idempotent: true,
    request: v.object({ ...inNamespace, id: identifier }),
    reply: v.object({ path: v.string() }),
  }),
  "containers.unmountRootfs": call({
    doc: "Undoes mountRootfs; does nothing while a task uses it.",
    idempotent: true,
    request: v.object({ ...inNamespace, id: identifier }),
    reply: empty,
  }),
};

const tasks = {
  "tasks.create": call({
    doc: "Mounts the root file system, writes the bundle, takes a shim and runs the OCI runtime's create.",
    request: v.object({ ...ofContainer, stdio }),
    reply: v.object({ pid: integer }),
  }),
  "tasks.start": call({
    doc: "Starts the created task or an added exec.",
    request: v.object(ofProcess),
    reply: v.object({ pid: integer }),
  }),
  "tasks.get": call({ doc: "State of a task or exec.", idempotent: true, request: v.object(ofProcess), reply: task }),
  "tasks.list": call({
    doc: "All tasks (without execs).",
    idempotent: true,
    request: v.object(inNamespace),
    reply: v.object({ tasks: v.array(task) }),
  }),
  "tasks.exec": call({
    doc: "Adds a process to a running task; start runs it.",
    request: v.object({
      ...ofContainer,
      execId: identifier,
      process: document,
      /** As container.user. */ user: v.string(),
      stdio,
    }),
    reply: empty,
  }),
  "tasks.kill": call({
    doc: "Sends a signal.",
    request: v.object({ ...ofProcess, signal: integer, all: v.optional(v.boolean()) }),
    reply: empty,
  }),
  "tasks.pause": call({ doc: "Freezes.", idempotent: true, request: v.object(ofContainer), reply: empty }),
  "tasks.resume": call({ doc: "Thaws.", idempotent: true, request: v.object(ofContainer), reply: empty }),
  "tasks.pids": call({
    doc: "Ids on the host of its processes.",
    idempotent: true,
    request: v.object(ofContainer),
    reply: v.object({ pids: v.array(integer) }),
  }),
  "tasks.resizePty": call({
    doc: "Sets a terminal's size.",
    idempotent: true,
    request: v.object({ ...ofProcess, width: integer, height: integer }),
    reply: empty,
  }),
  "tasks.closeIO": call({
    doc: "Closes a process's stdin.",
    idempotent: true,
    request: v.object(ofProcess),
    reply: empty,
  }),
  "tasks.update": call({
    doc: "Changes cgroup limits.",
    idempotent: true,
    request: v.object({ ...ofContainer, resources: document }),
    reply: empty,
  }),
  "tasks.stats": call({
    doc: "Figures of its cgroup.",
    idempotent: true,
    request: v.object(ofContainer),
    reply: document,
  }),
  "tasks.wait": call({
    doc: "Waits for the end of a task or exec; at once if it has ended.",
    idempotent: true,
    request: v.object(ofProcess),
    reply: v.object({ exitStatus, exitedAt: timestamp }),
  }),
  "tasks.delete": call({
    doc: "Removes an ended task (with execId: the exec): its shim, bundle, mount. Works with the shim dead.",
    request: v.object(ofProcess),
    reply: v.object({ exitStatus, exitedAt: timestamp }),
  }),
  "tasks.attach": stream({
    doc: "As the shim's attach.",
    request: v.object({ ...ofProcess, stdin: v.boolean(), stdout: v.boolean(), stderr: v.boolean() }),
    item: outputItem,
    input: attachInput,
    reply: v.object({ exitStatus: v.optional(exitStatus) }),
  }),
};

/** containerd's services, by messages. */
export const supervisorContract = contract("supervisor", 1, {
  version: call({
    doc: "Which supervisor this is.",
    idempotent: true,
    request: empty,
    reply: v.object({ version: v.string(), pid: integer, root: v.string(), state: v.string() }),
  }),
  ...namespaces,
  ...images,
  ...content,
  ...snapshots,
  ...containers,
  ...tasks,
  "events.subscribe": stream({
    doc: "Events from a sequence number on (0: from now), then as they come. FailedPrecondition names the oldest kept when `from` is older.",
    request: v.object({ namespace: v.optional(identifier), from: integer }),
    item: supervisorEvent,
    input: v.never(),
    reply: empty,
  }),
});
