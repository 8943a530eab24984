import * as v from "valibot";
import { isDigest } from "../digest.ts";

/** Go programs write an absent list or object as null; here it is absent. */
const orNull = <T extends v.GenericSchema>(schema: T) =>
  v.optional(
    v.pipe(
      v.nullable(schema),
      v.transform((value) => value ?? undefined),
    ),
  );

const texts = v.array(v.string());
const textMap = v.record(v.string(), v.string());
/** A Go set: {"80/tcp": {}} */
const set = v.record(v.string(), v.object({}));
const whole = v.pipe(v.number(), v.safeInteger());
const size = v.pipe(whole, v.minValue(0, "must not be negative"));

export const digest = v.pipe(v.string(), v.check(isDigest, "must be sha256:<64 hex> or sha512:<128 hex>"));

/** image-spec image-index.md, `platform`. */
export const platform = v.looseObject({
  architecture: v.string(),
  os: v.string(),
  variant: v.optional(v.string()),
  "os.version": v.optional(v.string()),
  "os.features": orNull(texts),
});

/** image-spec descriptor.md. */
export const descriptor = v.looseObject({
  mediaType: v.string(),
  digest,
  size,
  urls: orNull(texts),
  annotations: orNull(textMap),
  platform: orNull(platform),
  artifactType: v.optional(v.string()),
});

const schemaVersion = v.literal(2, "must be 2");

/** image-spec manifest.md; Docker's schema 2 has the same fields. */
export const manifest = v.looseObject({
  schemaVersion,
  mediaType: v.optional(v.string()),
  artifactType: v.optional(v.string()),
  config: descriptor,
  layers: v.array(descriptor),
  annotations: orNull(textMap),
});

/** image-spec image-index.md; Docker's manifest list has the same fields. */
export const index = v.looseObject({
  schemaVersion,
  mediaType: v.optional(v.string()),
  manifests: v.array(descriptor),
  annotations: orNull(textMap),
});

/** Docker's health check; times are nanoseconds. */
const healthcheck = v.looseObject({
  Test: orNull(texts),
  Interval: v.optional(whole),
  Timeout: v.optional(whole),
  StartPeriod: v.optional(whole),
  StartInterval: v.optional(whole),
  Retries: v.optional(whole),
});

/** image-spec config.md, `config`: how a container of the image runs by default. */
export const runConfig = v.looseObject({
  User: v.optional(v.string()),
  ExposedPorts: orNull(set),
  Env: orNull(texts),
  Entrypoint: orNull(texts),
  Cmd: orNull(texts),
  Volumes: orNull(set),
  WorkingDir: v.optional(v.string()),
  Labels: orNull(textMap),
  StopSignal: v.optional(v.string()),
  /** Seconds. */
  StopTimeout: orNull(whole),
  Shell: orNull(texts),
  OnBuild: orNull(texts),
  Healthcheck: orNull(healthcheck),
  Hostname: v.optional(v.string()),
  Domainname: v.optional(v.string()),
});

/** image-spec config.md. */
export const imageConfig = v.looseObject({
  created: orNull(v.string()),
  author: v.optional(v.string()),
  architecture: v.string(),
  os: v.string(),
  variant: v.optional(v.string()),
  config: orNull(runConfig),
  rootfs: v.looseObject({ type: v.literal("layers", 'must be "layers"'), diff_ids: orNull(v.array(digest)) }),
  history: orNull(
    v.array(
      v.looseObject({
        created: orNull(v.string()),
        author: v.optional(v.string()),
        created_by: v.optional(v.string()),
        comment: v.optional(v.string()),
        empty_layer: v.optional(v.boolean()),
      }),
    ),
  ),
});

/** image-spec image-layout.md: the file `oci-layout`. */
export const imageLayout = v.looseObject({ imageLayoutVersion: v.literal("1.0.0", "must be 1.0.0") });

/** The file manifest.json of a docker-archive. */
export const dockerArchive = v.array(
  v.looseObject({ Config: v.string(), RepoTags: orNull(texts), Layers: orNull(texts) }),
);

/** The file `repositories` of archives of Docker before 1.10: repository → tag → the topmost layer's id. */
export const repositories = v.record(v.string(), v.record(v.string(), v.string()));

/** The file ID/json of such an archive (Docker's image specification, version 1). */
export const legacyImage = v.looseObject({
  id: v.string(),
  parent: v.optional(v.string()),
  created: v.optional(v.string()),
  author: v.optional(v.string()),
  comment: v.optional(v.string()),
  container_config: orNull(v.looseObject({ Cmd: orNull(texts) })),
});
