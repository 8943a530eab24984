import type { BackgroundTasks } from "@gantry/common/background-tasks";
import type { Clock } from "@gantry/common/clock";
import type { Log } from "../base/log.ts";
import type { Supervisor } from "../supervisor/link.ts";
import type { EventHub } from "../system/event-hub.ts";
import type { StorageDriver } from "../system/storage.ts";
import type { Images } from "./images.ts";

export interface ImageDeps {
  readonly supervisor: Supervisor;
  readonly images: Images;
  readonly events: EventHub;
  readonly log: Log;
  readonly clock: Clock;
  readonly storage: StorageDriver;
}

/** A container, as the owner of its image. */
export interface ImageUser {
  readonly id: string;
  readonly imageId: string;
  readonly isRunning: boolean;
}

export interface ImageUserDeps {
  /** All containers. */
  readonly imageUsers: () => readonly ImageUser[];
}

export interface RemoveImageDeps extends ImageDeps, ImageUserDeps {
  /** Work that may still hold an image's layers. */
  readonly background: BackgroundTasks;
}
