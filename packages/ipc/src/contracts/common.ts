import * as v from "valibot";

/** Schemas that several contracts share. */

/** A request or reply that carries nothing. */
export const empty = v.object({});

/** Seconds and fractions would lose digits: times travel as RFC 3339 text with up to nanoseconds, in UTC. */
export const timestamp = v.pipe(v.string(), v.isoTimestamp());

/** A whole number that JSON and MessagePack both carry exactly. */
export const integer = v.pipe(v.number(), v.safeInteger());

/** Unix seconds with up to nine digits of fraction, as text: nanoseconds do not fit a number. */
export const unixTime = v.pipe(v.string(), v.regex(/^-?\d{1,11}(?:\.\d{1,9})?$/));

/** Where an event stream begins, in every contract: the number of its first event; 0: all that are kept; absent: new events only. */
export const firstEvent = v.optional(v.pipe(integer, v.minValue(0)));

/** An exit status as wait(2) and the shells count it: 0–255, 128+n for signal n. */
export const exitStatus = v.pipe(integer, v.minValue(0), v.maxValue(255));

/** An identifier that is safe as a file name: containerd's rule. */
export const identifier = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
    "must start with a letter or digit and hold only letters, digits, '_', '.', '-' (128 at most)",
  ),
);

/** An absolute path. */
export const absolutePath = v.pipe(v.string(), v.startsWith("/", "must be an absolute path"));

/** String keys and values. */
export const labels = v.record(v.string(), v.string());

/** Any plain document that another specification defines (an OCI config.json, an OCI process): checked where it is used. */
export const document = v.record(v.string(), v.unknown());

/** An OCI content digest. */
export const digest = v.pipe(
  v.string(),
  v.regex(/^sha(256:[a-f0-9]{64}|512:[a-f0-9]{128})$/, "must be sha256:<64 hex> or sha512:<128 hex>"),
);

/** An OCI content descriptor (image-spec descriptor.md). */
export const descriptor = v.object({
  mediaType: v.string(),
  digest,
  size: integer,
  annotations: v.optional(labels),
  platform: v.optional(
    v.object({
      architecture: v.string(),
      os: v.string(),
      variant: v.optional(v.string()),
      "os.version": v.optional(v.string()),
      "os.features": v.optional(v.array(v.string())),
    }),
  ),
  artifactType: v.optional(v.string()),
});
export type Descriptor = v.InferOutput<typeof descriptor>;

/** Handling of output that arrives faster than its reader reads. */
const pace = {
  /** blocking (the default): the process waits. non-blocking: it never waits, and output beyond the buffer is dropped. */
  mode: v.optional(v.picklist(["blocking", "non-blocking"])),
  /** Bytes that may wait in non-blocking mode; 1 MiB unless given. */
  maxBufferSize: v.optional(v.pipe(integer, v.minValue(1))),
};

/** Where the log of a container goes and how it is kept. */
export const logConfig = v.object({
  /** json-file: Docker's one JSON object a line; plain: the bytes of both streams as they come; none: nothing is kept. */
  driver: v.picklist(["json-file", "plain", "none"]),
  path: v.optional(absolutePath),
  /** Bytes after which the file is rotated; without it the file grows. */
  maxSize: v.optional(integer),
  /** Files kept, the current one included; 1 unless given. */
  maxFiles: v.optional(integer),
  /** Rotated files are compressed with gzip: PATH.1.gz and so on. */
  compress: v.optional(v.boolean()),
  ...pace,
  /** Put into every line as `attrs`. */
  attrs: v.optional(labels),
});
export type LogConfig = v.InferOutput<typeof logConfig>;

/** The standard streams of a process that a shim starts. */
export const stdio = v.object({
  /** A pseudo-terminal: stdout and stderr are one stream. */
  terminal: v.boolean(),
  /** Keep standard input open for `attach`; without it the process reads end of file at once. */
  stdin: v.boolean(),
  /** Close standard input when the first attached client that sends it ends. */
  stdinOnce: v.optional(v.boolean()),
  /** Named pipes to use instead of `attach`, as containerd hands them out. */
  fifos: v.optional(
    v.object({
      stdin: v.optional(absolutePath),
      stdout: v.optional(absolutePath),
      stderr: v.optional(absolutePath),
      /** Their directory, to be removed with them when the process is deleted. */
      directory: v.optional(absolutePath),
    }),
  ),
  log: v.optional(logConfig),
  /** First size of the terminal, in characters. */
  consoleSize: v.optional(v.object({ width: integer, height: integer })),
});
export type Stdio = v.InferOutput<typeof stdio>;

/** Which streams of a process to attach to. */
export const attachOptions = { stdin: v.boolean(), stdout: v.boolean(), stderr: v.boolean(), ...pace };

/** How the OCI runtime is run. */
export const runtime = v.object({
  /** Absolute path of an OCI runtime's binary. */
  path: absolutePath,
  /** Global flags put before the command, such as --systemd-cgroup. */
  args: v.optional(v.array(v.string())),
  /** The directory that the runtime keeps its own state in (--root). */
  root: absolutePath,
  /** Serves the `runtime` contract in `worker` mode; without it the command line is used. */
  worker: v.boolean(),
});
export type Runtime = v.InferOutput<typeof runtime>;

/** A process of a container, on the host; a process that an exec has started carries the exec's id, its children do not. */
export const processInfo = v.object({ pid: integer, execId: v.optional(identifier) });

/** Statistics of the cgroup, in the fields of containerd's metrics (io.containerd.cgroups.v1 or v2 Metrics, as JSON). */
export const metrics = v.object({ timestamp, cgroupVersion: v.picklist([1, 2]), data: document });
export type Metrics = v.InferOutput<typeof metrics>;

/** Options of a checkpoint by the OCI runtime's checkpoint command (runc's flags). */
export const checkpointOptions = {
  /** Directory of the images; it is made. */
  imagePath: absolutePath,
  /** Directory of CRIU's logs; the images' one unless given. */
  workPath: v.optional(absolutePath),
  /** The container ends; without it, it runs on. */
  exit: v.optional(v.boolean()),
  tcpEstablished: v.optional(v.boolean()),
  externalUnixSockets: v.optional(v.boolean()),
  /** Containers with a terminal. */
  shellJob: v.optional(v.boolean()),
  fileLocks: v.optional(v.boolean()),
};
export type CheckpointOptions = v.InferOutput<ReturnType<typeof checkpointSchema>>;
const checkpointSchema = () => v.object(checkpointOptions);

export const processStatus = v.picklist(["created", "running", "paused", "stopped", "unknown"]);

/** One frame of output, or the notice that a stream has ended; the bytes ride as the item's blob. */
export const outputItem = v.object({ stream: v.picklist(["stdout", "stderr"]) });

/** An item of an attached client; bytes for stdin are the item's blob. */
export const attachInput = v.variant("kind", [
  v.object({ kind: v.literal("stdin") }),
  v.object({ kind: v.literal("closeStdin") }),
  v.object({ kind: v.literal("resize"), width: integer, height: integer }),
]);

/**
 * One step of a pull, push or load, for a progress display. `id` is a layer's short digest; without an `id` it is a
 * step of the whole, or, with `ref`, of a document that Docker does not show.
 */
export const progress = v.object({
  id: v.optional(v.string()),
  /**
   * Docker's texts: "Pulling fs layer", "Downloading", "Download complete", "Extracting", "Pull complete",
   * "Already exists"; "Preparing", "Waiting", "Layer already exists", "Mounted from REPOSITORY", "Pushing", "Pushed".
   */
  status: v.string(),
  current: v.optional(integer),
  total: v.optional(integer),
  /** containerd's name of the object: index-, manifest-, config- or layer-, and the digest. */
  ref: v.optional(v.string()),
});
export type Progress = v.InferOutput<typeof progress>;

/** Credentials for one registry; without them an anonymous token is asked for. */
export const registryAuth = v.object({
  username: v.optional(v.string()),
  password: v.optional(v.string()),
  /** A refresh token instead of a password. */
  identityToken: v.optional(v.string()),
  /** A bearer token that is sent as it is. */
  registryToken: v.optional(v.string()),
});

/** Access to a registry, where it differs from the supervisor's own configuration. */
export const registryAccess = {
  auth: v.optional(registryAuth),
  /** Use plain HTTP; only loopback hosts are tried with it by default. */
  plainHttp: v.optional(v.boolean()),
  /** Accept any certificate. */
  skipVerify: v.optional(v.boolean()),
  /** Directory with HOST/hosts.toml in containerd's form, instead of the supervisor's. */
  hostsDirectory: v.optional(absolutePath),
  /** PEM text: certificates of authorities besides the system's, the client's certificate and its key. */
  ca: v.optional(v.string()),
  cert: v.optional(v.string()),
  key: v.optional(v.string()),
};
