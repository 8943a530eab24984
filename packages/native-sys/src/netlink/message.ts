// Netlink messages (netlink(7), struct nlmsghdr).
import { NLM_F_ACK, NLM_F_CAPPED, NLM_F_REQUEST, NLMSGERR_ATTR_MSG } from "../constants.ts";
import { align, parseAttributes, readText } from "./attributes.ts";

const headerLength = 16;

/** A request that can be sent alone or in a batch. */
export interface NetlinkRequest {
  readonly type: number;
  /** NLM_F_* beside NLM_F_REQUEST and NLM_F_ACK, which every request has. */
  readonly flags: number;
  /** The family's fixed header and the attributes. */
  readonly payload: Buffer;
  /** A description for error messages: "add link veth0". */
  readonly description: string;
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** NLMSG_ERROR: `errno` 0 is an acknowledgement. */
export interface Acknowledgement {
  readonly errno: number;
  /** The kernel's own message, where there is one (extended acknowledgement). */
  readonly text: string | undefined;
}

export function encodeMessage(request: NetlinkRequest, sequence: number): Buffer {
  const message = Buffer.alloc(headerLength + align(request.payload.length));
  message.writeUInt32LE(headerLength + request.payload.length, 0);
  message.writeUInt16LE(request.type, 4);
  message.writeUInt16LE(request.flags | NLM_F_REQUEST | NLM_F_ACK, 6);
  message.writeUInt32LE(sequence, 8);
  request.payload.copy(message, headerLength);
  return message;
}

/** The messages of one datagram. */
export function decodeMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + headerLength <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < headerLength || at + length > datagram.length) break;
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + headerLength, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** Reads an NLMSG_ERROR: error number, the request's header (and body unless capped), then attributes. */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const errno = -message.payload.readInt32LE(0);
  const requestLength = message.flags & NLM_F_CAPPED ? headerLength : message.payload.readUInt32LE(4);
  const attributes = parseAttributes(message.payload.subarray(4 + align(requestLength)));
  return { errno, text: readText(attributes.get(NLMSGERR_ATTR_MSG)) };
}

/** The error number that ends a dump (NLMSG_DONE carries it), 0 for success. */
export function doneErrno(message: NetlinkMessage): number {
  return message.payload.length >= 4 ? -message.payload.readInt32LE(0) : 0;
}
