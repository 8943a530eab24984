import type { BackgroundTasks } from "@gantry/common/background-tasks";
import type { Log } from "../base/log.ts";
import type { Paths } from "../base/paths.ts";
import type { Images } from "../images/images.ts";
import type { Networks } from "../networks/networks.ts";
import type { HostFacts } from "../spec/build.ts";
import type { Supervisor } from "../supervisor/link.ts";
import type { EventHub } from "../system/event-hub.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { Registry } from "./registry.ts";

/** An OCI runtime by name. */
export interface RuntimeChoice {
  readonly path: string;
  /** Serves the runtime contract as a worker. */
  readonly worker: boolean;
}

export interface Settings {
  readonly runtimes: Readonly<Record<string, RuntimeChoice>>;
  readonly defaultRuntime: string;
  readonly cgroupParent: string;
  /** Program for --init. */
  readonly initPath: string;
  readonly cpus: number;
}

/** What the operations on containers work with. */
export interface World {
  readonly registry: Registry;
  readonly supervisor: Supervisor;
  readonly images: Images;
  readonly volumes: Volumes;
  readonly networks: Networks;
  readonly events: EventHub;
  readonly paths: Paths;
  readonly facts: HostFacts;
  readonly settings: Settings;
  readonly log: Log;
  /** What is cleared away after the reply; a next engine does what this one does not finish. */
  readonly background: BackgroundTasks;
}
