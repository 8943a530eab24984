import type { Frames } from "../wire/envelope.ts";

/** Bits of a frame's first byte (ZMTP 3.1, rfc.zeromq.org/spec/37). */
const more = 1;
const long = 2;
const command = 4;

const shortHeader = 2;
const longHeader = 9;

/** Frames up to this length are copied into one buffer with the headers around them; longer ones are written as they are. */
const smallBytes = 4096;

export interface ZmtpCommand {
  readonly name: string;
  readonly data: Buffer;
}

/** Bytes on the wire that do not follow ZMTP: the connection cannot go on. */
export class ZmtpError extends Error {
  override name = "ZmtpError";
}

/** A message as buffers to write in their order. */
export function encodeMessage(frames: Frames): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const flush = () => {
    if (small.length > 0) buffers.push(Buffer.concat(small));
    small = [];
  };
  for (const [index, frame] of frames.entries()) {
    small.push(frameHeader(index < frames.length - 1 ? more : 0, frame.length));
    if (frame.length <= smallBytes) small.push(frame);
    else {
      flush();
      buffers.push(frame);
    }
  }
  flush();
  return buffers;
}

/** A command of the protocol itself, such as READY or PONG. */
export function encodeCommand(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([shortText(name), data]);
  return Buffer.concat([frameHeader(command, body.length), body]);
}

/** A name as the protocol has it: one byte of length, then the text. */
export function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
}

function frameHeader(flags: number, length: number): Uint8Array {
  if (length < 256) return Uint8Array.of(flags, length);
  const header = Buffer.alloc(9);
  header[0] = flags | long;
  header.writeBigUInt64BE(BigInt(length), 1);
  return header;
}

export interface FrameEvents {
  message(frames: Frames): void;
  command(command: ZmtpCommand): void;
}

/** Takes a stream of bytes apart. A frame that arrives in one piece is not copied. */
export class FrameReader {
  readonly #events: FrameEvents;
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #length = 0;
  /** How many bytes the next step wants: until they are there nothing is looked at. */
  #wanted = shortHeader;
  #frames: Uint8Array[] = [];

  constructor(maxBytes: number, events: FrameEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** @throws ZmtpError */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= this.#wanted && this.#next());
  }

  /** Takes a whole frame; false, with more wanted, while it is not there. */
  #next(): boolean {
    const start = this.#peek();
    const flags = start[0] as number;
    const header = (flags & long) === 0 ? shortHeader : longHeader;
    const size = header === shortHeader ? (start[1] as number) : lengthAt(start);
    if (size > this.#maxBytes) throw new ZmtpError(`a frame of ${size} bytes is longer than ${this.#maxBytes}`);
    this.#wanted = header + size;
    if (this.#length < this.#wanted) return false;
    this.#wanted = shortHeader;
    this.#take(header);
    this.#dispatch(flags, this.#take(size));
    return true;
  }

  #dispatch(flags: number, body: Buffer): void {
    if ((flags & command) !== 0) {
      const end = 1 + (body[0] ?? 0);
      this.#events.command({ name: body.toString("latin1", 1, end), data: body.subarray(end) });
      return;
    }
    this.#frames.push(body);
    if ((flags & more) !== 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#events.message(frames);
  }

  /** As many of a long header's bytes as are there; they stay. */
  #peek(): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    if (first.length >= longHeader) return first;
    return Buffer.concat(this.#chunks.slice(0, longHeader)).subarray(0, longHeader);
  }

  #take(length: number): Buffer {
    let count = 0;
    let bytes = 0;
    while (bytes < length) bytes += (this.#chunks[count++] as Buffer).length;
    const taken = this.#chunks.splice(0, count);
    const whole = taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken);
    if (bytes > length) this.#chunks.unshift(whole.subarray(length));
    this.#length -= length;
    return whole.subarray(0, length);
  }
}

/** The length in a long header; while that is not whole, of the least frame that has one. */
function lengthAt(start: Buffer): number {
  return start.length < longHeader ? 0 : Number(start.readBigUInt64BE(1));
}
