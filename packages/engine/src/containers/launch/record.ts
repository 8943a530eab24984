import type { Spec } from "@gantry/oci-spec/runtime";
import type { Paths } from "../../base/paths.ts";
import { type ContainerRecords, superuser } from "../../supervisor/container-records.ts";
import type { RootFilesystems } from "../../supervisor/root-filesystems.ts";
import type { ContainerDocument } from "../document.ts";
import type { Settings } from "../settings.ts";

export interface RecordDeps {
  readonly records: ContainerRecords;
  readonly settings: Settings;
  readonly paths: Paths;
}

/** Creates the supervisor's record of a container: its spec, snapshot and runtime. */
export async function recordContainer(deps: RecordDeps, document: ContainerDocument, spec: Spec): Promise<void> {
  await deps.records.put({
    id: document.id,
    image: document.config.Image,
    spec: spec as unknown as Record<string, unknown>,
    runtime: runtimeOf(deps, document.runtime),
    user: document.config.User || superuser,
  });
}

function runtimeOf({ settings, paths }: RecordDeps, name: string) {
  const choice = settings.runtimes[name];
  if (!choice) throw new Error(`the runtime "${name}" is not configured`);
  return { path: choice.path, root: paths.runtimeRoot(name), worker: choice.worker };
}

export interface RootfsDeps extends RecordDeps {
  readonly rootfs: RootFilesystems;
}

/** Mounts a container's root file system for the time of some work, also before its first start. */
export async function withRootfs<T>(
  deps: RootfsDeps,
  document: ContainerDocument,
  work: (path: string) => Promise<T>,
): Promise<T> {
  if (!deps.records.has(document.id)) await recordContainer(deps, document, minimalSpec(document));
  return deps.rootfs.withMounted(document.id, work);
}

/** Enough for the supervisor to mount the root file system of a container that has not been started. */
function minimalSpec({ config }: ContainerDocument): Spec {
  return {
    ociVersion: "1.2.0",
    root: { path: "rootfs" },
    process: { cwd: config.WorkingDir || "/", args: ["/"] },
  };
}
