import type { Encoder, EncoderTarget } from "./encoder.ts";
import { cutCharacter, escapeInto, maxExpansion } from "./escape.ts";
import { lineLimit, type StreamName } from "./format.ts";

const newline = 0x0a;
const prefix = Buffer.from('{"log":"', "latin1");
const empty = Buffer.alloc(0);

/** Splits one output stream into lines and encodes each as an object of Docker's json-file format. */
export class JsonLineEncoder implements Encoder {
  readonly #target: EncoderTarget;
  readonly #middle: string;
  /** The beginning of a line that is not complete yet. */
  #carry: Buffer = empty;

  #emitted: number;

  /**
   * @param attrs added to every entry
   * @param start bytes of the stream that an earlier encoder has emitted
   */
  constructor(
    target: EncoderTarget,
    stream: StreamName,
    attrs: Readonly<Record<string, string>> | undefined,
    start = 0,
  ) {
    this.#target = target;
    this.#emitted = start;
    const extra = attrs && Object.keys(attrs).length > 0 ? `"attrs":${JSON.stringify(attrs)},` : "";
    this.#middle = `","stream":"${stream}",${extra}"time":"`;
  }

  get emitted(): number {
    return this.#emitted;
  }

  write(chunk: Buffer, time: string): void {
    const tail = this.#tail(time);
    let from = 0;
    while (from < chunk.length) {
      const room = lineLimit - this.#carry.length;
      const at = chunk.indexOf(newline, from);
      const end = at < 0 ? chunk.length : at + 1;
      if (at >= 0 && at - from <= room) this.#emit(chunk, from, end, tail);
      else if (at < 0 && end - from < room) this.#carry = Buffer.concat([this.#carry, chunk.subarray(from, end)]);
      else {
        this.#partial(chunk, from, from + room, tail);
        from += room;
        continue;
      }
      from = end;
    }
  }

  end(time: string): void {
    if (this.#carry.length > 0) this.#emit(empty, 0, 0, this.#tail(time));
  }

  /** A full line limit without an end; the bytes of a character that the cut would split stay for the next part. */
  #partial(chunk: Buffer, from: number, end: number, tail: Buffer): void {
    const whole = Buffer.concat([this.#carry, chunk.subarray(from, end)]);
    const cut = whole.length - cutCharacter(whole);
    this.#carry = empty;
    this.#emit(whole, 0, cut, tail);
    if (cut < whole.length) this.#carry = Buffer.from(whole.subarray(cut));
  }

  #tail(time: string): Buffer {
    return Buffer.from(`${this.#middle}${time}"}\n`);
  }

  #emit(chunk: Buffer, from: number, end: number, tail: Buffer): void {
    let text = chunk.subarray(from, end);
    if (this.#carry.length > 0) {
      // A character may begin in the carried bytes and end in these.
      text = Buffer.concat([this.#carry, text]);
      this.#carry = empty;
    }
    const frame = prefix.length + tail.length;
    const block = this.#target.reserve(frame + text.length * maxExpansion, frame + text.length);
    this.#emitted += text.length;
    if (!block) return;
    const { bytes } = block;
    let at = block.used;
    for (let index = 0; index < prefix.length; index++) bytes[at++] = prefix[index] as number;
    at = escapeInto(text, bytes, at);
    bytes.set(tail, at);
    block.used = at + tail.length;
  }
}
