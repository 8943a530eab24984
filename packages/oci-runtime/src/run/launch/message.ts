/** The helper's messages on its channel and on the result pipe (native-sys/init/wire.c). */
export const messageKinds = { error: 1, pid: 2, sync: 3, ready: 4, done: 5 } as const;

const header = 16;

export interface Message {
  readonly kind: number;
  readonly index: number;
  readonly value: number;
  readonly text: string;
  /** Bytes that it takes in all. */
  readonly size: number;
}

/** One message at the start of a buffer; undefined while it is not whole. */
export function parseMessage(data: Buffer): Message | undefined {
  if (data.length < header) return undefined;
  const size = header + data.readUInt32LE(12);
  if (data.length < size) return undefined;
  return {
    kind: data.readUInt32LE(0),
    index: data.readUInt32LE(4),
    value: data.readInt32LE(8),
    text: data.toString("utf8", header, size),
    size,
  };
}
