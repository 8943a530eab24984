import type { IdleMemory } from "@gantry/common/memory";
import { version } from "@gantry/common/version";
import type { NativeSys } from "@gantry/native-sys";
import type { Collector } from "../gc/collector.ts";
import type { ImageStore } from "../images/image-store.ts";
import type { Stores } from "../stores.ts";
import type { Bundles } from "../tasks/bundle.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { containerService } from "./containers.ts";
import { contentService } from "./content.ts";
import { diffService } from "./diff.ts";
import { eventService } from "./events.ts";
import type { SupervisorHandlers } from "./handlers.ts";
import { imageService } from "./images.ts";
import { introspectionService } from "./introspection.ts";
import { leaseService } from "./leases.ts";
import { namespaceService } from "./namespaces.ts";
import { snapshotService } from "./snapshots.ts";
import { taskService } from "./tasks.ts";

export interface ServiceOptions {
  readonly stores: Stores;
  readonly collector: Collector;
  /** Identity of the root directory. */
  readonly uuid: string;
  readonly shim: string;
  readonly images: ImageStore;
  readonly memory: IdleMemory;
  readonly bundles: Bundles;
  readonly tasks: Tasks;
  readonly native: NativeSys;
  /** The default OCI runtime. */
  readonly ociRuntime: string;
  readonly root: string;
  readonly state: string;
  /** Directories with HOST/hosts.toml. */
  readonly registryDirectories: readonly string[];
}

/** The handlers of every method. */
export function supervisorHandlers(options: ServiceOptions): SupervisorHandlers {
  const { stores, collector, root, state } = options;
  const { metadata } = stores;
  const parts = { ...options, metadata, snapshots: stores.snapshots };
  return {
    version: async () => ({ version, pid: process.pid, root, state }),
    ...namespaceService(metadata),
    ...imageService(options),
    ...contentService(stores, collector),
    ...snapshotService(stores, collector),
    ...diffService(options),
    ...leaseService(stores, collector),
    ...introspectionService({ ...options, snapshotters: stores.snapshots.snapshotters }),
    ...containerService(parts),
    ...taskService(parts),
    ...eventService(metadata),
  };
}
