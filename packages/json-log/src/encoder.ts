/** Receives encoded output. */
export interface EncoderTarget {
  /**
   * Reserves space for one entry, which is never split.
   * @param most bytes that must be free in the block from `used` on
   * @param likely bytes that the entry will probably take
   * @returns undefined when the entry is to be dropped
   */
  reserve(most: number, likely: number): Block | undefined;
}

export interface Block {
  readonly bytes: Buffer;
  used: number;
}

/** Encodes one output stream for a log. */
export interface Encoder {
  /** Bytes of the stream whose entries were reserved, dropped ones included; the beginning of a line may be kept beyond. */
  readonly emitted: number;
  /**
   * Encodes complete lines and keeps the rest; the chunk may be reused afterwards.
   * @param time RFC 3339
   */
  write(chunk: Buffer, time: string): void;
  /** The stream has ended: encodes the kept rest. */
  end(time: string): void;
}
