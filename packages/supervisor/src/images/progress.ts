import type { Progress } from "@gantry/ipc/contracts/supervisor";
import { type ImageDescriptor, isIndexType, isManifestType } from "@gantry/oci-spec";

type Figure = Progress & { readonly id: string; readonly current: number; readonly total: number };

/** Shortest time between two reports of a layer's bytes. */
const everyMs = 100;

/**
 * Sends progress to a client that may be slow: figures that are not sent yet are replaced by newer ones, so that a slow
 * client neither delays the work nor fills the memory.
 */
export class ProgressReporter {
  readonly #send: (item: Progress) => Promise<void>;
  readonly #queue: Progress[] = [];
  readonly #lastFigure = new Map<string, number>();
  #isSending = false;
  #done: Promise<void> = Promise.resolve();

  constructor(send: (item: Progress) => Promise<void>) {
    this.#send = send;
  }

  /** Reports a step. */
  step(status: string, id?: string): void {
    this.#push({ status, ...(id === undefined ? {} : { id }) });
  }

  /** Reports a step of a layer. */
  layer(descriptor: ImageDescriptor, status: string, id = shortDigest(descriptor.digest)): void {
    this.#push({ id, status, ref: refOf(descriptor) });
  }

  /** Reports a step of a layer, or of a document, which Docker does not show. */
  about(descriptor: ImageDescriptor, status: string): void {
    const ref = refOf(descriptor);
    if (ref.startsWith("layer-")) this.layer(descriptor, status);
    else this.hidden(descriptor, status);
  }

  /** Reports a step that Docker does not show. */
  hidden(descriptor: ImageDescriptor, status: string): void {
    this.#push({ status, ref: refOf(descriptor) });
  }

  /** Reports the bytes of a step; too frequent reports are dropped. */
  figure(status: string, id: string, current: number, total: number): void {
    this.amount({ status, id, current, total });
  }

  /** The same, for an item with a ref. */
  amount(item: Figure): void {
    const { id, status, current, total } = item;
    const key = `${id} ${status}`;
    const time = performance.now();
    if (current < total && time - (this.#lastFigure.get(key) ?? -everyMs) < everyMs) return;
    this.#lastFigure.set(key, time);
    const waiting = this.#queue.findIndex((item) => item.id === id && item.status === status);
    if (waiting >= 0) this.#queue[waiting] = item;
    else this.#push(item);
  }

  /** Resolves once everything is sent. */
  async flush(): Promise<void> {
    await this.#done;
  }

  #push(item: Progress): void {
    this.#queue.push(item);
    if (this.#isSending) return;
    this.#isSending = true;
    this.#done = this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for (let item = this.#queue.shift(); item; item = this.#queue.shift()) await this.#send(item);
    } catch {
      this.#queue.length = 0; // the client has disconnected, and the signal of the call ends the work
    } finally {
      this.#isSending = false;
    }
  }
}

/** containerd's ref for the transfer of a blob. */
export function refOf({ mediaType, digest }: ImageDescriptor): string {
  if (isIndexType(mediaType)) return `index-${digest}`;
  if (isManifestType(mediaType)) return `manifest-${digest}`;
  return /config|image\.v1\+json|empty/.test(mediaType) ? `config-${digest}` : `layer-${digest}`;
}

/** The short form of a digest, as Docker shows it. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}
