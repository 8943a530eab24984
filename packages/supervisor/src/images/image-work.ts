import type { NativeSys } from "@gantry/native-sys";
import type { ImageStore } from "./image-store.ts";
import type { ProgressReporter } from "./progress.ts";

/** Dependencies of operations on images. */
export interface ImageWork {
  readonly native: NativeSys;
  readonly images: ImageStore;
  readonly progress: ProgressReporter;
  /** Aborted when the caller has given up. */
  readonly signal?: AbortSignal | undefined;
}
