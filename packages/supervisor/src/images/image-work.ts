import type { NativeSys } from "@gantry/native-sys";
import type { ImageStore } from "./image-store.ts";
import type { ProgressReporter } from "./progress.ts";

/** What work on images needs, whatever it is. */
export interface ImageWork {
  readonly native: NativeSys;
  readonly images: ImageStore;
  readonly progress: ProgressReporter;
  /** Aborted when whoever asked for the work is gone. */
  readonly signal?: AbortSignal;
}
