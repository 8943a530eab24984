/** An attach that was opened before the start. */
export interface PendingAttachment {
  /** Connects the streams; called once the task exists and before it runs. */
  connect(): void;
  fail(error: Error): void;
}

/** Attaches that wait for a container's next start. */
export class PendingAttachments {
  readonly #pending = new Set<PendingAttachment>();

  add(attachment: PendingAttachment): void {
    this.#pending.add(attachment);
  }

  delete(attachment: PendingAttachment): void {
    this.#pending.delete(attachment);
  }

  connectAll(): void {
    for (const attachment of this.#pending) attachment.connect();
  }

  /** The start failed, or the container was removed. */
  failAll(error: Error): void {
    for (const attachment of this.#pending) attachment.fail(error);
    this.#pending.clear();
  }

  /** The process runs: from now on an attach connects at once. */
  clear(): void {
    this.#pending.clear();
  }
}
