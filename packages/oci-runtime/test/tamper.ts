import type { NativeSys } from "@gantry/native-sys";
import type { Host } from "../src/host.ts";

/** One operation of an encoded plan: its number and the bytes of its fields. */
export interface RawOperation {
  readonly number: number;
  readonly fields: Buffer;
}

/** Changes to the plans of one launch. */
export interface Tampering {
  /** Changes the plan on its way to the helper. */
  readonly edit?: (operations: RawOperation[]) => RawOperation[];
  /** Called while the helper waits at a sync point that `edit` has put into the plan. */
  readonly atSync?: () => void;
  /** Kernel calls of the runtime that are replaced. */
  readonly calls?: Partial<NativeSys>;
}

const magic = 0x6e616c70;

/** `sync`, by its number in schema/ops.json; the point means nothing to the runtime, which just lets it go on. */
export const pause: RawOperation = { number: 5, fields: Buffer.from(new BigUint64Array([99n, 0n]).buffer) };

/** An operation that there is not: the helper fails at it with ENOSYS. */
export const impossible: RawOperation = { number: 9999, fields: Buffer.alloc(0) };

/** A host whose helper is given other plans than the runtime has made. */
export function tampered(host: Host, { edit, atSync, calls = {} }: Tampering): Host {
  const { native } = host;
  const socketSend = (fd: number, data: Uint8Array, flags: number): number => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
    if (bytes.length >= 16 && bytes.readUInt32LE(0) === magic) {
      sendAll(native, { fd, data: edit ? rewrite(bytes, edit) : bytes, flags });
      return data.length;
    }
    atSync?.();
    return native.socketSend(fd, data, flags);
  };
  return { ...host, native: Object.assign(Object.create(native), { socketSend }, calls) as NativeSys };
}

function sendAll(native: NativeSys, { fd, data, flags }: { fd: number; data: Buffer; flags: number }): void {
  for (let sent = 0; sent < data.length; ) sent += native.socketSend(fd, data.subarray(sent), flags);
}

function rewrite(plan: Buffer, edit: NonNullable<Tampering["edit"]>): Buffer {
  const operations = edit(operationsOf(plan));
  const body = Buffer.concat(operations.flatMap(({ number, fields }) => [uint32s(number, fields.length), fields]));
  return Buffer.concat([uint32s(magic, plan.readUInt32LE(4), operations.length, body.length), body]);
}

/** Takes an encoded plan apart (native-sys/init/wire.c). */
export function operationsOf(plan: Buffer): RawOperation[] {
  const operations: RawOperation[] = [];
  for (let at = 16; at < plan.length; ) {
    const length = plan.readUInt32LE(at + 4);
    operations.push({ number: plan.readUInt32LE(at), fields: plan.subarray(at + 8, at + 8 + length) });
    at += 8 + length;
  }
  return operations;
}

function uint32s(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32LE(value, index * 4);
  return buffer;
}
