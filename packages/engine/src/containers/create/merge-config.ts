import type { ContainerConfig } from "@gantry/ipc/contracts/engine-types";
import type { ImageRunConfig } from "@gantry/oci-spec";
import { mergeEnvironment } from "../../spec/environment.ts";

/**
 * A container's configuration: the requested one, completed from the image's. An entrypoint in the request drops the
 * image's command; an empty entrypoint ([""] on the wire) drops the image's entrypoint.
 */
export function mergeConfig(requested: ContainerConfig, image: ImageRunConfig): ContainerConfig {
  const stopTimeout = requested.StopTimeout ?? image.StopTimeout;
  return {
    ...requested,
    ...commandOf(requested, image),
    Env: mergeEnvironment(image.Env ?? [], requested.Env ?? []),
    WorkingDir: requested.WorkingDir || image.WorkingDir || "",
    User: requested.User || image.User || "",
    Volumes: orNull({ ...image.Volumes, ...requested.Volumes }),
    ExposedPorts: orNull({ ...image.ExposedPorts, ...requested.ExposedPorts }),
    Labels: { ...image.Labels, ...requested.Labels },
    ...(requested.StopSignal || image.StopSignal ? { StopSignal: requested.StopSignal || image.StopSignal } : {}),
    ...(stopTimeout == null ? {} : { StopTimeout: stopTimeout }),
  } as ContainerConfig;
}

function commandOf(requested: ContainerConfig, image: ImageRunConfig): Pick<ContainerConfig, "Entrypoint" | "Cmd"> {
  const none = (list: readonly string[] | null | undefined): boolean => !list || list.length === 0;
  if (none(requested.Entrypoint)) {
    const Cmd = none(requested.Cmd) ? (image.Cmd ?? null) : (requested.Cmd ?? null);
    return { Entrypoint: image.Entrypoint ?? null, Cmd };
  }
  const cleared = requested.Entrypoint?.length === 1 && requested.Entrypoint[0] === "";
  return { Entrypoint: cleared ? null : (requested.Entrypoint ?? null), Cmd: requested.Cmd ?? null };
}

function orNull<T extends object>(value: T): T | null {
  return Object.keys(value).length > 0 ? value : null;
}
