import type { ImageConfig } from "./image/index.ts";
import {
  defaultCapabilities,
  defaultDeviceRules,
  defaultMaskedPaths,
  defaultMounts,
  defaultReadonlyPaths,
} from "./runtime/defaults.ts";
import { defaultSeccompProfile } from "./runtime/defaults-seccomp.ts";
import type { Mount, Process, Spec, User } from "./runtime/types.ts";

/** The parts of a container's specification that do not come from the image. */
export interface ConversionOptions {
  /** `config.User`, looked up in the image's root file system. */
  readonly user: User;
  /** Mounts for `config.Volumes`, by their destination. */
  readonly volumes?: readonly Mount[];
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const annotationPrefix = "org.opencontainers.image.";

/**
 * The runtime configuration of a container of an image (image-spec conversion.md). Everything else is
 * Docker's default: capabilities, seccomp, mounts, masked paths. Its root file system is `rootfs` in the bundle.
 */
export function specOfImage(image: ImageConfig, { user, volumes = [] }: ConversionOptions): Spec {
  return {
    ociVersion: "1.0.2",
    root: { path: "rootfs" },
    process: processOf(image, user),
    hostname: "container",
    mounts: [...defaultMounts(), ...volumes],
    annotations: annotationsOf(image),
    linux: {
      resources: { devices: [...defaultDeviceRules] },
      namespaces: [{ type: "pid" }, { type: "network" }, { type: "ipc" }, { type: "uts" }, { type: "mount" }],
      seccomp: defaultSeccompProfile(defaultCapabilities, image.architecture),
      maskedPaths: [...defaultMaskedPaths],
      readonlyPaths: [...defaultReadonlyPaths],
    },
  };
}

function processOf({ config = {} }: ImageConfig, user: User): Process {
  const args = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  const env = config.Env ?? [];
  const capabilities = [...defaultCapabilities];
  return {
    terminal: false,
    user,
    // An image need not name a program.
    args: args.length > 0 ? args : ["sh"],
    env: env.some((entry) => entry.startsWith("PATH=")) ? env : [defaultPath, ...env],
    cwd: config.WorkingDir || "/",
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    noNewPrivileges: true,
  };
}

/** conversion.md, "Annotation Fields": labels take precedence over the image's other fields. */
function annotationsOf(image: ImageConfig): Record<string, string> {
  const { config = {} } = image;
  const ports = Object.keys(config.ExposedPorts ?? {});
  const implicit: Record<string, unknown> = {
    os: image.os,
    architecture: image.architecture,
    variant: image.variant,
    "os.version": image["os.version"],
    "os.features": listOf(image["os.features"]),
    author: image.author,
    created: image.created,
    stopSignal: config.StopSignal,
    exposedPorts: listOf(ports),
  };
  const known = Object.entries(implicit).filter(([, value]) => typeof value === "string" && value !== "");
  const annotations = known.map(([key, value]) => [`${annotationPrefix}${key}`, String(value)] as const);
  return { ...Object.fromEntries(annotations), ...config.Labels };
}

function listOf(value: unknown): string | undefined {
  return Array.isArray(value) && value.length > 0 ? value.join(",") : undefined;
}
