import * as v from "valibot";

/** Schemas that several contracts share. */

/** A request or reply that carries nothing. */
export const empty = v.object({});

/** Seconds and fractions would lose digits: times travel as RFC 3339 text with up to nanoseconds, in UTC. */
export const timestamp = v.pipe(v.string(), v.isoTimestamp());

/** A whole number that JSON and MessagePack both carry exactly. */
export const integer = v.pipe(v.number(), v.safeInteger());

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

/** Where the log of a container goes and how it is kept. */
export const logConfig = v.object({
  /** json-file: Docker's one JSON object a line; none: nothing is kept. */
  driver: v.picklist(["json-file", "none"]),
  path: v.optional(absolutePath),
  /** Bytes after which the file is rotated; without it the file grows. */
  maxSize: v.optional(integer),
  /** Files kept, the current one included; 1 unless given. */
  maxFiles: v.optional(integer),
  /** Put into every line as `attrs`. */
  attrs: v.optional(labels),
});
export type LogConfig = v.InferOutput<typeof logConfig>;

/** What becomes of the standard streams of a process that a shim starts. */
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
    }),
  ),
  log: v.optional(logConfig),
  /** First size of the terminal, in characters. */
  consoleSize: v.optional(v.object({ width: integer, height: integer })),
});
export type Stdio = v.InferOutput<typeof stdio>;

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

export const processStatus = v.picklist(["created", "running", "paused", "stopped", "unknown"]);

/** One frame of output, or the notice that a stream has ended; the bytes ride as the item's blob. */
export const outputItem = v.object({ stream: v.picklist(["stdout", "stderr"]) });

/** What an attached client sends: bytes for stdin ride as the item's blob. */
export const attachInput = v.variant("kind", [
  v.object({ kind: v.literal("stdin") }),
  v.object({ kind: v.literal("closeStdin") }),
  v.object({ kind: v.literal("resize"), width: integer, height: integer }),
]);

/** One step of a pull or load, for a progress display. `id` is a layer's short digest, or absent for the whole. */
export const progress = v.object({
  id: v.optional(v.string()),
  /** In Docker's words: "Pulling fs layer", "Downloading", "Download complete", "Extracting", "Pull complete", "Already exists". */
  status: v.string(),
  current: v.optional(integer),
  total: v.optional(integer),
});
export type Progress = v.InferOutput<typeof progress>;

/** Credentials for one registry; without them an anonymous token is asked for. */
export const registryAuth = v.object({
  username: v.optional(v.string()),
  password: v.optional(v.string()),
  /** A refresh token instead of a password. */
  identityToken: v.optional(v.string()),
});
