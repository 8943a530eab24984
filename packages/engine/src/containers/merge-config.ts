import type { ContainerConfig } from "@gantry/ipc/contracts/engine-types";
import type { ImageRunConfig } from "@gantry/oci-spec";
import { mergeEnvironment } from "../spec/environment.ts";

/**
 * A container's configuration: what was asked for, completed from the image's. An entrypoint of its own drops the
 * image's command; an empty entrypoint ([""] on the wire) drops the image's entrypoint.
 */
export function mergeConfig(wanted: ContainerConfig, image: ImageRunConfig): ContainerConfig {
  const stopTimeout = wanted.StopTimeout ?? image.StopTimeout;
  return {
    ...wanted,
    ...commandOf(wanted, image),
    Env: mergeEnvironment(image.Env ?? [], wanted.Env ?? []),
    WorkingDir: wanted.WorkingDir || image.WorkingDir || "",
    User: wanted.User || image.User || "",
    Volumes: orNull({ ...image.Volumes, ...wanted.Volumes }),
    ExposedPorts: orNull({ ...image.ExposedPorts, ...wanted.ExposedPorts }),
    Labels: { ...image.Labels, ...wanted.Labels },
    ...(wanted.StopSignal || image.StopSignal ? { StopSignal: wanted.StopSignal || image.StopSignal } : {}),
    ...(stopTimeout == null ? {} : { StopTimeout: stopTimeout }),
  } as ContainerConfig;
}

function commandOf(wanted: ContainerConfig, image: ImageRunConfig): Pick<ContainerConfig, "Entrypoint" | "Cmd"> {
  const none = (words: readonly string[] | null | undefined): boolean => !words || words.length === 0;
  if (none(wanted.Entrypoint)) {
    const Cmd = none(wanted.Cmd) ? (image.Cmd ?? null) : (wanted.Cmd ?? null);
    return { Entrypoint: image.Entrypoint ?? null, Cmd };
  }
  const cleared = wanted.Entrypoint?.length === 1 && wanted.Entrypoint[0] === "";
  return { Entrypoint: cleared ? null : (wanted.Entrypoint ?? null), Cmd: wanted.Cmd ?? null };
}

function orNull<T extends object>(value: T): T | null {
  return Object.keys(value).length > 0 ? value : null;
}
