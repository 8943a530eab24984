import type { Encoder, EncoderTarget } from "@gantry/json-log/encoder";

/** Logs the bytes unchanged. */
export class PlainEncoder implements Encoder {
  readonly #target: EncoderTarget;

  constructor(target: EncoderTarget) {
    this.#target = target;
  }

  write(chunk: Buffer): void {
    const block = this.#target.reserve(chunk.length, chunk.length);
    if (block) block.used += chunk.copy(block.bytes, block.used);
  }

  end(): void {}
}
