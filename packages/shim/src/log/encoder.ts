/** Where encoded output goes. */
export interface EncoderTarget {
  /**
   * A block with at least `most` bytes free from `used` on, for what must not be split and will likely take `likely`;
   * undefined: it is to be dropped.
   */
  reserve(most: number, likely: number): Block | undefined;
}

export interface Block {
  readonly bytes: Buffer;
  used: number;
}

/** Brings one output stream into the form of a log. */
export interface Encoder {
  /** Encodes what is complete and keeps the rest; the chunk may be reused afterwards. */
  write(chunk: Buffer, time: string): void;
  /** Writes what was kept: nothing follows. */
  end(time: string): void;
}
