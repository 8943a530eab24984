import type { NativeSys } from "@gantry/native-sys";
import { unimplemented } from "../errors.ts";
import type { IdleMemory } from "../idle-memory.ts";
import type { Stores } from "../images/collect.ts";
import type { ImageStore } from "../images/image-store.ts";
import type { Bundles } from "../tasks/bundle.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { version } from "../version.ts";
import { containerService } from "./containers.ts";
import { contentService } from "./content.ts";
import { diffService } from "./diff.ts";
import type { SupervisorHandlers } from "./handlers.ts";
import { imageService } from "./images.ts";
import { introspectionService } from "./introspection.ts";
import { leaseService } from "./leases.ts";
import { namespaceService } from "./namespaces.ts";
import { snapshotService } from "./snapshots.ts";
import { taskService } from "./tasks.ts";

export interface ServiceOptions {
  readonly stores: Stores;
  readonly images: ImageStore;
  readonly memory: IdleMemory;
  readonly bundles: Bundles;
  readonly tasks: Tasks;
  readonly native: NativeSys;
  /** The OCI runtime of containers that name none. */
  readonly ociRuntime: string;
  readonly root: string;
  readonly state: string;
  /** Where HOST/hosts.toml is looked for. */
  readonly registryDirectories: readonly string[];
}

/** Every method of the contract. */
export function supervisorHandlers(options: ServiceOptions): SupervisorHandlers {
  const { stores, root, state } = options;
  const { metadata } = stores;
  const parts = { ...options, metadata, snapshots: stores.snapshots };
  return {
    version: async () => ({ version, pid: process.pid, root, state }),
    ...namespaceService(metadata),
    ...imageService(options),
    ...contentService(stores),
    ...snapshotService(stores),
    ...diffService(options),
    ...leaseService(),
    ...introspectionService(),
    ...containerService(parts),
    ...taskService(parts),
    "events.subscribe": async ({ namespace, from }, { send, signal }) => {
      for await (const event of metadata.events.subscribe(from, signal)) {
        if (namespace === undefined || event.namespace === namespace) await send(event);
      }
      return {};
    },
    "events.publish": async () => {
      throw unimplemented("events.publish");
    },
  };
}
