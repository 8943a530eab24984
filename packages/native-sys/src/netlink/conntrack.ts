// Tracked connections of IPv4: struct nfgenmsg and the CTA_ attributes (linux/netfilter/nfnetlink_conntrack.h).
import { nativeSys } from "../addon.ts";
import { AF_INET, NETLINK_NETFILTER } from "../constants.ts";
import { isSystemError } from "../errors.ts";
import { bytesAttribute, nestedAttribute, parseAttributes, u8Attribute, u32Attribute } from "./attributes.ts";
import { formatAddress, parseAddress } from "./ip.ts";
import type { NetlinkMessage, NetlinkRequest } from "./message.ts";
import { NetlinkSocket } from "./socket.ts";

const CTNETLINK = 1 << 8;
const CT_GET = CTNETLINK | 1;
const CT_DELETE = CTNETLINK | 2;

const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_FILTER = 25;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;

/** Bits of CTA_FILTER_ORIG_FLAGS and CTA_FILTER_REPLY_FLAGS: the parts of the tuple that have to match. */
const matchSource = 1 << 0;
const matchProtocol = 1 << 3;
const matchDestinationPort = 1 << 5;

const headerLength = 4;

/** One direction of a connection. */
export interface FlowTuple {
  readonly source: string;
  readonly destination: string;
  /** IPPROTO_* */
  readonly protocol: number;
  /** 0 for a protocol without ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** A connection as the kernel tracks it: its packets' addresses as they were sent, and as the replies have them. */
export interface Flow {
  readonly original: FlowTuple;
  readonly reply: FlowTuple;
  /** The attributes that name it in a request. */
  readonly key: Buffer;
}

/** The part of a flow that a search is for. */
export interface FlowFilter {
  /** Source of the first packet, as it was sent. */
  readonly source?: string;
  /** Source of the replies: where the first packet went after address translation. */
  readonly replySource?: string;
  /** Destination port of the first packet before address translation, with its protocol. */
  readonly port?: { readonly protocol: number; readonly number: number };
}

/**
 * Opens the connection tracking of a network namespace; without a path of this process's own.
 * @throws SystemError where the kernel has none
 */
export function openConntrack(netnsPath?: string): ConntrackClient {
  return new ConntrackClient(new NetlinkSocket(nativeSys(), NETLINK_NETFILTER, netnsPath ?? null));
}

export class ConntrackClient implements Disposable {
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** The flows that match. @throws NetlinkError */
  flows(filter: FlowFilter): Flow[] {
    return this.#dump(filter)
      .map(decodeFlow)
      .filter((flow) => matches(flow, filter));
  }

  /** Deletes a flow; one that has ended meanwhile is none. @throws NetlinkError */
  delete(flow: Flow): void {
    const payload = Buffer.concat([header(), flow.key]);
    try {
      this.#socket.send([{ type: CT_DELETE, flags: 0, payload, description: "delete a tracked connection" }]);
    } catch (error) {
      if (!isSystemError(error, "ENOENT")) throw error;
    }
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The kernel looks for the flows since Linux 5.8; before that it lists them all. */
  #dump(filter: FlowFilter): NetlinkMessage[] {
    try {
      return this.#socket.dump(listRequest(filterAttributes(filter)));
    } catch (error) {
      if (!isSystemError(error, "EINVAL", "EOPNOTSUPP")) throw error;
      return this.#socket.dump(listRequest([]));
    }
  }
}

function listRequest(attributes: readonly Buffer[]): NetlinkRequest {
  const payload = Buffer.concat([header(), ...attributes]);
  return { type: CT_GET, flags: 0, payload, description: "list tracked connections" };
}

/** struct nfgenmsg: family, version, resource. */
function header(): Buffer {
  return Buffer.from([AF_INET, 0, 0, 0]);
}

function filterAttributes({ source, replySource, port }: FlowFilter): Buffer[] {
  const original: Buffer[] = [];
  if (source !== undefined) original.push(sourceAttribute(source));
  if (port) original.push(portAttribute(port));
  const reply = replySource === undefined ? [] : [sourceAttribute(replySource)];
  const originalFlags = (source === undefined ? 0 : matchSource) | (port ? matchProtocol | matchDestinationPort : 0);
  return [
    ...(original.length > 0 ? [nestedAttribute(CTA_TUPLE_ORIG, ...original)] : []),
    ...(reply.length > 0 ? [nestedAttribute(CTA_TUPLE_REPLY, ...reply)] : []),
    nestedAttribute(
      CTA_FILTER,
      u32Attribute(CTA_FILTER_ORIG_FLAGS, originalFlags),
      u32Attribute(CTA_FILTER_REPLY_FLAGS, reply.length > 0 ? matchSource : 0),
    ),
  ];
}

function sourceAttribute(address: string): Buffer {
  return nestedAttribute(CTA_TUPLE_IP, bytesAttribute(CTA_IP_V4_SRC, parseAddress(address)));
}

function portAttribute({ protocol, number }: { protocol: number; number: number }): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return nestedAttribute(
    CTA_TUPLE_PROTO,
    u8Attribute(CTA_PROTO_NUM, protocol),
    bytesAttribute(CTA_PROTO_DST_PORT, bytes),
  );
}

function matches({ original, reply }: Flow, { source, replySource, port }: FlowFilter): boolean {
  if (source !== undefined && original.source !== source) return false;
  if (replySource !== undefined && reply.source !== replySource) return false;
  return !port || (original.protocol === port.protocol && original.destinationPort === port.number);
}

function decodeFlow(message: NetlinkMessage): Flow {
  const attributes = parseAttributes(message.payload.subarray(headerLength));
  const tuple = attributes.get(CTA_TUPLE_ORIG) ?? Buffer.alloc(0);
  const optional = [CTA_ID, CTA_ZONE].flatMap((type) => {
    const value = attributes.get(type);
    return value ? [bytesAttribute(type, value)] : [];
  });
  return {
    original: decodeTuple(tuple),
    reply: decodeTuple(attributes.get(CTA_TUPLE_REPLY) ?? Buffer.alloc(0)),
    key: Buffer.concat([nestedAttribute(CTA_TUPLE_ORIG, tuple), ...optional]),
  };
}

function decodeTuple(tuple: Buffer): FlowTuple {
  const parts = parseAttributes(tuple);
  const addresses = parseAttributes(parts.get(CTA_TUPLE_IP) ?? Buffer.alloc(0));
  const protocol = parseAttributes(parts.get(CTA_TUPLE_PROTO) ?? Buffer.alloc(0));
  const address = (type: number) => formatAddress(addresses.get(type) ?? Buffer.alloc(4));
  const port = (type: number) => protocol.get(type)?.readUInt16BE(0) ?? 0;
  return {
    source: address(CTA_IP_V4_SRC),
    destination: address(CTA_IP_V4_DST),
    protocol: protocol.get(CTA_PROTO_NUM)?.[0] ?? 0,
    sourcePort: port(CTA_PROTO_SRC_PORT),
    destinationPort: port(CTA_PROTO_DST_PORT),
  };
}
