import { RpcError } from "../../contracts/errors.ts";
import { maxFrameBytes } from "../transport/socket-defaults.ts";
import type { Frames } from "./envelope.ts";

/**
 * The credit that one direction of a stream starts with, known to both sides.
 * An item may be sent while both counts are above zero; it then takes 1 item and the bytes of its
 * body and blobs, so that one item larger than the window still passes.
 */
export const streamWindow = { items: 64, bytes: 1 << 20 } as const;

/**
 * A peer ends the connection over a frame beyond the limit, and every call with it: so it is refused at its sender.
 * @throws RpcError InvalidArgument
 */
export function checkFrames(frames: Frames): void {
  for (const { length } of frames) {
    if (length <= maxFrameBytes) continue;
    const message = `a body or a blob may have ${maxFrameBytes} bytes, this one has ${length}; send it in parts`;
    throw new RpcError("InvalidArgument", message);
  }
}

/** Bytes of an item as credit counts them: body and blobs. */
export function itemBytes(frames: Frames): number {
  let bytes = 0;
  for (const frame of frames) bytes += frame.length;
  return bytes;
}
