import * as v from "valibot";
import { isDigest } from "../digest.ts";
import { hostPlatform } from "../platform.ts";
import { argumentList, goObject, set, textMap, texts } from "./go-json.ts";

const whole = v.pipe(v.number(), v.safeInteger());
const size = v.pipe(whole, v.minValue(0, "must not be negative"));
/** A text whose absence has a meaning of its own; Go does not distinguish it from an empty one. */
const nonEmpty = v.pipe(
  v.string(),
  v.transform((value) => (value === "" ? undefined : value)),
);
/** Images of builders that leave these fields out run on the machine that reads them, as with containerd. */
const os = v.pipe(
  v.optional(v.string(), ""),
  v.transform((value) => value || hostPlatform().os),
);
const architecture = v.pipe(
  v.optional(v.string(), ""),
  v.transform((value) => value || hostPlatform().architecture),
);

export const digest = v.pipe(v.string(), v.check(isDigest, "must be sha256:<64 hex> or sha512:<128 hex>"));

/** image-spec image-index.md, `platform`. */
const platformFields = goObject({
  architecture: v.optional(v.string(), ""),
  os: v.optional(v.string(), ""),
  variant: v.optional(v.string()),
  "os.version": v.optional(v.string()),
  "os.features": v.optional(texts),
});

/** A platform without an operating system is of this one, as with containerd; an empty one says nothing. */
export const platform = v.pipe(
  platformFields,
  v.transform((fields) => {
    if (fields.os === "" && fields.architecture === "") return undefined;
    return { ...fields, os: fields.os || hostPlatform().os };
  }),
);

/** image-spec descriptor.md. */
export const descriptor = goObject({
  mediaType: v.optional(v.string(), ""),
  digest,
  size,
  urls: v.optional(texts),
  annotations: v.optional(textMap),
  platform: v.optional(platform),
  artifactType: v.optional(v.string()),
});

/** Some writers leave it out; another number is another format. */
const schemaVersion = v.optional(v.literal(2, "must be 2"), 2);

/** image-spec manifest.md; Docker's schema 2 has the same fields. */
export const manifest = goObject({
  schemaVersion,
  mediaType: v.optional(v.string()),
  artifactType: v.optional(v.string()),
  config: descriptor,
  layers: v.optional(v.array(descriptor), []),
  annotations: v.optional(textMap),
});

/** image-spec image-index.md; Docker's manifest list has the same fields. */
export const index = goObject({
  schemaVersion,
  mediaType: v.optional(v.string()),
  manifests: v.optional(v.array(descriptor), []),
  annotations: v.optional(textMap),
});

/** Docker's health check; times are nanoseconds. */
const healthcheck = goObject({
  Test: v.optional(texts),
  Interval: v.optional(whole),
  Timeout: v.optional(whole),
  StartPeriod: v.optional(whole),
  StartInterval: v.optional(whole),
  Retries: v.optional(whole),
});

/** image-spec config.md, `config`: how a container of the image runs by default. */
export const runConfig = goObject({
  User: v.optional(v.string()),
  ExposedPorts: v.optional(set),
  Env: v.optional(texts),
  Entrypoint: v.optional(argumentList),
  Cmd: v.optional(argumentList),
  Volumes: v.optional(set),
  WorkingDir: v.optional(v.string()),
  Labels: v.optional(textMap),
  StopSignal: v.optional(v.string()),
  /** Seconds. */
  StopTimeout: v.optional(whole),
  Shell: v.optional(argumentList),
  OnBuild: v.optional(texts),
  Healthcheck: v.optional(healthcheck),
  Hostname: v.optional(v.string()),
  Domainname: v.optional(v.string()),
});

const rootfs = goObject({
  type: v.pipe(
    v.optional(v.picklist(["layers", ""], 'must be "layers"'), ""),
    v.transform(() => "layers" as const),
  ),
  diff_ids: v.optional(v.array(digest)),
});

/** image-spec config.md. */
export const imageConfig = goObject({
  created: v.optional(nonEmpty),
  author: v.optional(v.string()),
  architecture,
  os,
  variant: v.optional(v.string()),
  config: v.optional(runConfig),
  rootfs,
  history: v.optional(
    v.array(
      goObject({
        created: v.optional(nonEmpty),
        author: v.optional(v.string()),
        created_by: v.optional(v.string()),
        comment: v.optional(v.string()),
        empty_layer: v.optional(v.boolean()),
      }),
    ),
  ),
});

/** image-spec image-layout.md: the file `oci-layout`. */
export const imageLayout = goObject({ imageLayoutVersion: v.literal("1.0.0", "must be 1.0.0") });

/** The file manifest.json of a docker-archive. */
export const dockerArchive = v.array(
  goObject({ Config: v.string(), RepoTags: v.optional(texts), Layers: v.optional(texts) }),
);

/** The file `repositories` of archives of Docker before 1.10: repository → tag → the topmost layer's id. */
export const repositories = v.record(v.string(), textMap);

/** The file ID/json of such an archive (Docker's image specification, version 1). */
export const legacyImage = goObject({
  id: v.string(),
  parent: v.optional(v.string()),
  created: v.optional(nonEmpty),
  author: v.optional(v.string()),
  comment: v.optional(v.string()),
  container_config: v.optional(goObject({ Cmd: v.optional(argumentList) })),
});
