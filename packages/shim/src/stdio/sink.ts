/** One place that a process's output goes to: its log, a named pipe, an attached client. */
export interface Sink {
  /**
   * Takes a chunk, which is only good during the call.
   * @returns undefined when there is room for more, else a promise of room; it may be called again before that
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /** No more output follows. */
  end(): void;
}
