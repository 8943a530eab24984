import * as v from "valibot";
import {
  attachInput,
  document,
  empty,
  exitStatus,
  integer,
  labels,
  outputItem,
  progress,
  registryAuth,
  unixTime,
} from "./common.ts";
import { call, contract, stream } from "./define.ts";
import {
  containerConfig,
  containerSummary,
  endpointConfig,
  engineEvent,
  filters,
  hostConfig,
  imageSummary,
  network,
  networkingConfig,
  volume,
} from "./engine-types.ts";

/** A container by id, unambiguous start of an id, or name. */
const byId = { Id: v.string() };
const byName = { Name: v.string() };

const system = {
  ping: call({ doc: "Liveness check.", idempotent: true, request: empty, reply: empty }),
  version: call({ doc: "As `docker version`'s server part.", idempotent: true, request: empty, reply: document }),
  info: call({ doc: "As `docker info`.", idempotent: true, request: empty, reply: document }),
  shutdown: call({
    doc: "Stops all containers, takes bridges and rules away, and ends the supervisor that the engine started; answers, then the engine ends.",
    request: empty,
    reply: empty,
  }),
  events: stream({
    doc: "Events, live; with Since or Until (Unix seconds with a fraction, as text) also or only those that are kept.",
    request: v.object({ Since: v.optional(unixTime), Until: v.optional(unixTime), Filters: v.optional(filters) }),
    item: engineEvent,
    input: v.never(),
    reply: empty,
  }),
};

const containers = {
  containerCreate: call({
    doc: "Makes a container from a local image. NotFound when the image is not there, AlreadyExists when the name is taken.",
    request: v.object({
      Name: v.optional(v.string()),
      Config: containerConfig,
      HostConfig: v.optional(hostConfig),
      NetworkingConfig: v.optional(networkingConfig),
      Platform: v.optional(v.string()),
    }),
    reply: v.object({ Id: v.string(), Warnings: v.array(v.string()) }),
  }),
  containerStart: call({
    doc: "Starts a container; does nothing while it runs. ConsoleSize (height, width) is its terminal's size from the first instruction on; absent: the last one.",
    request: v.object({ ...byId, ConsoleSize: v.optional(v.tuple([integer, integer])) }),
    reply: empty,
  }),
  containerStop: call({
    doc: "Sends the stop signal, then SIGKILL after Timeout seconds (-1: never). Answers when the container has ended.",
    idempotent: true,
    request: v.object({ ...byId, Signal: v.optional(v.string()), Timeout: v.optional(integer) }),
    reply: empty,
  }),
  containerRestart: call({
    doc: "Stop, then start.",
    request: v.object({ ...byId, Signal: v.optional(v.string()), Timeout: v.optional(integer) }),
    reply: empty,
  }),
  containerKill: call({
    doc: "Sends a signal by name or number, SIGKILL unless given.",
    request: v.object({ ...byId, Signal: v.optional(v.string()) }),
    reply: empty,
  }),
  containerPause: call({ doc: "Freezes a container.", request: v.object(byId), reply: empty }),
  containerUnpause: call({ doc: "Thaws a container.", request: v.object(byId), reply: empty }),
  containerRename: call({ doc: "Renames a container.", request: v.object({ ...byId, ...byName }), reply: empty }),
  containerRemove: call({
    doc: "Removes a container; a running one only with Force. RemoveVolumes also removes its anonymous volumes.",
    request: v.object({ ...byId, Force: v.optional(v.boolean()), RemoveVolumes: v.optional(v.boolean()) }),
    reply: empty,
  }),
  containerPrune: call({
    doc: "Removes containers that do not run, but not their volumes. Filters: label, label!, and until (created before; Unix seconds with a fraction, as text).",
    request: v.object({ Filters: v.optional(filters) }),
    reply: v.object({ ContainersDeleted: v.array(v.string()), SpaceReclaimed: integer }),
  }),
  containerList: call({
    doc: "Running containers, or All; Limit: the newest so many, of all.",
    idempotent: true,
    request: v.object({
      All: v.optional(v.boolean()),
      Limit: v.optional(integer),
      Size: v.optional(v.boolean()),
      Filters: v.optional(filters),
    }),
    reply: v.object({ Containers: v.array(containerSummary) }),
  }),
  containerInspect: call({
    doc: "As `docker inspect`.",
    idempotent: true,
    request: v.object({ ...byId, Size: v.optional(v.boolean()) }),
    reply: document,
  }),
  containerTop: call({
    doc: "Processes of a container, with their ids on the host.",
    idempotent: true,
    request: v.object(byId),
    reply: v.object({ Pids: v.array(integer) }),
  }),
  containerWait: call({
    doc: "Waits (without a deadline) until a container is not-running, has its next-exit, or is removed.",
    idempotent: true,
    request: v.object({ ...byId, Condition: v.optional(v.picklist(["not-running", "next-exit", "removed"])) }),
    reply: v.object({ StatusCode: exitStatus, Error: v.optional(v.object({ Message: v.string() })) }),
  }),
  containerCommit: call({
    doc: "Makes an image of a container's changes. Changes are Dockerfile lines: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR.",
    request: v.object({
      ...byId,
      /** repo[:tag]; empty: no name */
      Target: v.string(),
      Author: v.optional(v.string()),
      Comment: v.optional(v.string()),
      Changes: v.optional(v.array(v.string())),
      /** Freeze it meanwhile; unless given, yes. */
      Pause: v.optional(v.boolean()),
    }),
    reply: v.object({ Id: v.string() }),
  }),
  containerResize: call({
    doc: "Sets the size of a container's terminal, in characters.",
    idempotent: true,
    request: v.object({ ...byId, Height: integer, Width: integer }),
    reply: empty,
  }),
  containerLogs: stream({
    doc: "A container's log. Timestamps: each line begins with its time. Follow: until the container ends.",
    request: v.object({
      ...byId,
      Stdout: v.boolean(),
      Stderr: v.boolean(),
      Follow: v.optional(v.boolean()),
      Timestamps: v.optional(v.boolean()),
      Since: v.optional(unixTime),
      Until: v.optional(unixTime),
      /** Last so many lines; absent: all. */
      Tail: v.optional(integer),
      Details: v.optional(v.boolean()),
    }),
    item: outputItem,
    input: v.never(),
    reply: empty,
  }),
  containerAttach: stream({
    doc: "A container's streams, from now on; may be opened before the start. The first item, without blobs, confirms the attachment. Ends when the container ends (ExitCode), or with input kind `detach`.",
    request: v.object({
      ...byId,
      Stdin: v.boolean(),
      Stdout: v.boolean(),
      Stderr: v.boolean(),
      Logs: v.optional(v.boolean()),
    }),
    item: v.union([outputItem, v.object({ attached: v.literal(true) })]),
    input: v.variant("kind", [...attachInput.options, v.object({ kind: v.literal("detach") })]),
    reply: v.object({ ExitCode: v.optional(exitStatus) }),
  }),
};

const execs = {
  execCreate: call({
    doc: "Adds a command to a running container.",
    request: v.object({
      ...byId,
      Cmd: v.array(v.string()),
      AttachStdin: v.optional(v.boolean()),
      AttachStdout: v.optional(v.boolean()),
      AttachStderr: v.optional(v.boolean()),
      Tty: v.optional(v.boolean()),
      Env: v.optional(v.nullable(v.array(v.string()))),
      User: v.optional(v.string()),
      WorkingDir: v.optional(v.string()),
      Privileged: v.optional(v.boolean()),
      ConsoleSize: v.optional(v.nullable(v.tuple([integer, integer]))),
    }),
    reply: v.object({ Id: v.string() }),
  }),
  execStart: stream({
    doc: "Runs an added command. Detach: ends at once; else with its exit code, after its output.",
    request: v.object({ ...byId, Detach: v.optional(v.boolean()) }),
    item: outputItem,
    input: v.variant("kind", [...attachInput.options, v.object({ kind: v.literal("detach") })]),
    reply: v.object({ ExitCode: v.optional(exitStatus) }),
  }),
  execInspect: call({
    doc: "As the Engine API's exec inspect.",
    idempotent: true,
    request: v.object(byId),
    reply: document,
  }),
  execResize: call({
    doc: "Sets the size of a command's terminal.",
    idempotent: true,
    request: v.object({ ...byId, Height: integer, Width: integer }),
    reply: empty,
  }),
};

const images = {
  imageList: call({
    doc: "Local images.",
    idempotent: true,
    request: v.object({ All: v.optional(v.boolean()), Filters: v.optional(filters) }),
    reply: v.object({ Images: v.array(imageSummary) }),
  }),
  imageInspect: call({
    doc: "As `docker image inspect`: by name, id or start of an id.",
    idempotent: true,
    request: v.object(byName),
    reply: document,
  }),
  imageTag: call({
    doc: "Adds a name to an image.",
    idempotent: true,
    request: v.object({ ...byName, /** repo[:tag] */ Target: v.string() }),
    reply: empty,
  }),
  imageRemove: call({
    doc: "Removes a name, and the image with its last one. FailedPrecondition while a container uses it.",
    request: v.object({ ...byName, Force: v.optional(v.boolean()) }),
    reply: v.object({
      Items: v.array(v.object({ Untagged: v.optional(v.string()), Deleted: v.optional(v.string()) })),
    }),
  }),
  imagePull: stream({
    doc: "Fetches an image. Name is in the short form: busybox, repo:tag, host:port/repo@sha256:….",
    request: v.object({ ...byName, Platform: v.optional(v.string()), Auth: v.optional(registryAuth) }),
    item: progress,
    input: v.never(),
    /** Name in full, manifest digest, and whether it was newer than the local one. */
    reply: v.object({ Name: v.string(), Digest: v.string(), Changed: v.boolean() }),
  }),
  imagePush: stream({
    doc: "Pushes an image to the registry of its name. NotFound when there is no image of that name.",
    request: v.object({ ...byName, Platform: v.optional(v.string()), Auth: v.optional(registryAuth) }),
    item: progress,
    input: v.never(),
    /** Digest and size of the manifest or index that was pushed. */
    reply: v.object({ Digest: v.string(), Size: integer }),
  }),
  imageRemoteTags: call({
    doc: "The tags of a registry's repository. Name is in the short form, without tag.",
    idempotent: true,
    request: v.object({ ...byName, Auth: v.optional(registryAuth) }),
    reply: v.object({ Tags: v.array(v.string()) }),
  }),
  registryLogin: call({
    doc: "Checks credentials with a registry. PermissionDenied when the registry refuses them.",
    idempotent: true,
    request: v.object({ /** docker.io, localhost:5000 */ Registry: v.string(), Auth: registryAuth }),
    reply: v.object({ /** Stored instead of the password. */ IdentityToken: v.optional(v.string()) }),
  }),
  imageLoad: stream({
    doc: "Reads an image archive from the input's blobs.",
    request: v.object({ Platform: v.optional(v.string()) }),
    item: progress,
    input: empty,
    /** Names in the short form, or ids of images without a name. */
    reply: v.object({ Loaded: v.array(v.string()) }),
  }),
  imageSave: stream({
    doc: "Writes images as a docker-archive into the items' blobs. An id or a digest gives the archive's image no name; a repository alone means all its tags.",
    request: v.object({
      Names: v.pipe(v.array(v.string()), v.minLength(1, "must name an image")),
      Platform: v.optional(v.string()),
    }),
    item: empty,
    input: v.never(),
    reply: empty,
  }),
  imageHistory: call({
    doc: "As the Engine API's image history: the steps of an image, the last one first.",
    idempotent: true,
    request: v.object({ ...byName, Platform: v.optional(v.string()) }),
    reply: v.object({
      Items: v.array(
        v.object({
          /** Of the image for its last step, else <missing>. */
          Id: v.string(),
          /** Seconds since 1970. */
          Created: integer,
          CreatedBy: v.string(),
          Tags: v.array(v.string()),
          Size: integer,
          Comment: v.string(),
        }),
      ),
    }),
  }),
  imageImport: stream({
    doc: "Makes an image of a root file system's tar from the input's blobs. Changes are Dockerfile lines: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR.",
    request: v.object({
      /** repo[:tag]; empty: no name */ Target: v.string(),
      Message: v.optional(v.string()),
      Changes: v.optional(v.array(v.string())),
      Platform: v.optional(v.string()),
    }),
    item: progress,
    input: empty,
    reply: v.object({ Id: v.string() }),
  }),
};

const volumes = {
  volumeCreate: call({
    doc: "Makes a named volume; an existing one is returned as it is.",
    idempotent: true,
    request: v.object({
      Name: v.optional(v.string()),
      Driver: v.optional(v.string()),
      DriverOpts: v.optional(labels),
      Labels: v.optional(labels),
    }),
    reply: volume,
  }),
  volumeList: call({
    doc: "All volumes.",
    idempotent: true,
    request: v.object({ Filters: v.optional(filters) }),
    reply: v.object({ Volumes: v.array(volume) }),
  }),
  volumeInspect: call({ doc: "One volume.", idempotent: true, request: v.object(byName), reply: volume }),
  volumeRemove: call({
    doc: "Removes a volume that no container uses.",
    request: v.object({ ...byName, Force: v.optional(v.boolean()) }),
    reply: empty,
  }),
  volumePrune: call({
    doc: "Removes anonymous volumes that no container uses; All: named ones too.",
    request: v.object({ All: v.optional(v.boolean()), Filters: v.optional(filters) }),
    reply: v.object({ VolumesDeleted: v.array(v.string()), SpaceReclaimed: integer }),
  }),
};

const networks = {
  networkCreate: call({
    doc: "Makes a bridge network.",
    request: v.object({
      ...byName,
      Driver: v.optional(v.string()),
      Internal: v.optional(v.boolean()),
      IPAM: v.optional(
        v.object({
          Config: v.array(
            v.object({
              Subnet: v.optional(v.string()),
              Gateway: v.optional(v.string()),
              IPRange: v.optional(v.string()),
            }),
          ),
        }),
      ),
      Options: v.optional(labels),
      Labels: v.optional(labels),
    }),
    reply: v.object({ Id: v.string(), Warning: v.string() }),
  }),
  networkList: call({
    doc: "All networks.",
    idempotent: true,
    request: v.object({ Filters: v.optional(filters) }),
    reply: v.object({ Networks: v.array(network) }),
  }),
  networkInspect: call({
    doc: "One network, by id or name.",
    idempotent: true,
    request: v.object(byId),
    reply: network,
  }),
  networkRemove: call({ doc: "Removes a network without containers.", request: v.object(byId), reply: empty }),
  networkConnect: call({
    doc: "Connects a container to a network.",
    request: v.object({ ...byId, Container: v.string(), EndpointConfig: v.optional(endpointConfig) }),
    reply: empty,
  }),
  networkDisconnect: call({
    doc: "Disconnects a container from a network. Force: also when its interface cannot be removed.",
    request: v.object({ ...byId, Container: v.string(), Force: v.optional(v.boolean()) }),
    reply: empty,
  }),
  networkPrune: call({
    doc: "Removes networks without containers.",
    request: v.object({ Filters: v.optional(filters) }),
    reply: v.object({ NetworksDeleted: v.array(v.string()) }),
  }),
};

/** dockerd's operations, by messages; shapes and names are the Docker Engine API's. */
export const engineContract = contract("engine", 1, {
  ...system,
  ...containers,
  ...execs,
  ...images,
  ...volumes,
  ...networks,
});
