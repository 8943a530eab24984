import type { ImageStore } from "../image-store.ts";
import type { ProgressReporter } from "../progress.ts";

/** Dependencies of pulls and pushes. */
export interface RegistryTransfer {
  readonly images: ImageStore;
  /** Directories of the registries' configuration. */
  readonly directories: readonly string[];
  readonly progress: ProgressReporter;
}
