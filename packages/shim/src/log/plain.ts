import type { Encoder, EncoderTarget } from "@gantry/json-log/encoder";

/** Logs the bytes unchanged. */
export class PlainEncoder implements Encoder {
  readonly #target: EncoderTarget;
  #emitted: number;

  /** @param start bytes of the stream that an earlier encoder has emitted */
  constructor(target: EncoderTarget, start = 0) {
    this.#target = target;
    this.#emitted = start;
  }

  get emitted(): number {
    return this.#emitted;
  }

  write(chunk: Buffer): void {
    const block = this.#target.reserve(chunk.length, chunk.length);
    this.#emitted += chunk.length;
    if (block) block.used += chunk.copy(block.bytes, block.used);
  }

  end(): void {}
}
