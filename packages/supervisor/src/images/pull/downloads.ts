import { Semaphore } from "@gantry/common/semaphore";
import type { ImageDescriptor } from "@gantry/oci-spec";
import type { ImageStore } from "../image-store.ts";
import { type ProgressReporter, refOf, shortDigest } from "../progress.ts";
import type { RepositoryClient } from "../registry/client.ts";
import { BlobFetch } from "./blob-fetch.ts";

export interface DownloadsOptions {
  readonly images: ImageStore;
  readonly repository: RepositoryClient;
  readonly progress: ProgressReporter;
  readonly namespace: string;
  /** Full name of the image. */
  readonly name: string;
  /** Downloads at a time. */
  readonly parallel: number;
  /** Called with the failure of each download. */
  readonly onFailure: (error: unknown) => void;
}

/** The blobs that one pull fetches: each of them once, a few at a time, in the order of the requests. */
export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #permits: Semaphore;
  readonly #fetches = new Map<string, BlobFetch>();

  constructor(options: DownloadsOptions) {
    this.#options = options;
    this.#permits = new Semaphore(options.parallel);
  }

  /** True when the next download has to wait for another one. */
  get isFull(): boolean {
    return this.#permits.isFull;
  }

  /** The download of a blob, if it was started. */
  find(digest: string): BlobFetch | undefined {
    return this.#fetches.get(digest);
  }

  /** Starts to download a blob, unless that was started before. */
  start(descriptor: ImageDescriptor): BlobFetch {
    const started = this.#fetches.get(descriptor.digest);
    if (started) return started;
    const { images, repository, progress, namespace, name, onFailure } = this.#options;
    const report = (current: number) => this.#report(descriptor, current);
    const permit = this.#permits.request();
    const fetch = new BlobFetch(
      { content: images.stores.content, namespace, repository, descriptor, report },
      permit.acquired,
    );
    this.#fetches.set(descriptor.digest, fetch);
    fetch.done.then(
      () => {
        permit.release();
        images.noteSource(namespace, descriptor.digest, name);
        progress.about(descriptor, "Download complete");
      },
      (error: unknown) => {
        permit.release();
        onFailure(error);
      },
    );
    return fetch;
  }

  /** Resolves once every download has ended well. @throws the failure of one */
  async done(): Promise<void> {
    await Promise.all([...this.#fetches.values()].map((fetch) => fetch.done));
  }

  /** Resolves once no download writes any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#fetches.values()].map((fetch) => fetch.done));
  }

  #report(descriptor: ImageDescriptor, current: number): void {
    const ref = refOf(descriptor);
    if (!ref.startsWith("layer-")) return;
    const { progress } = this.#options;
    const { digest, size: total } = descriptor;
    progress.amount({ status: "Downloading", id: shortDigest(digest), ref, current, total });
    if (current === total) progress.layer(descriptor, "Verifying Checksum");
  }
}
