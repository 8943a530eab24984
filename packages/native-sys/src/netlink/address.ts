// Addresses of links: struct ifaddrmsg and the IFA_ attributes (rtnetlink(7)).
import {
  AF_INET,
  AF_INET6,
  IFA_ADDRESS,
  IFA_BROADCAST,
  IFA_F_NODAD,
  IFA_FLAGS,
  IFA_LABEL,
  IFA_LOCAL,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_UNIVERSE,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from "../constants.ts";
import { bytesAttribute, parseAttributes, readText, readU32, u32Attribute } from "./attributes.ts";
import { formatAddress, parseAddress, parsePrefix } from "./ip.ts";
import type { NetlinkMessage, NetlinkRequest } from "./message.ts";

export interface Address {
  readonly family: "inet" | "inet6";
  /** Index of the link that has it. */
  readonly link: number;
  /** "192.0.2.1/24" */
  readonly address: string;
  readonly broadcast: string | undefined;
  readonly label: string | undefined;
  /** RT_SCOPE_* */
  readonly scope: number;
  /** IFA_F_* */
  readonly flags: number;
}

export interface NewAddress {
  /** Index of the link. */
  readonly link: number;
  /** "192.0.2.1/24" or "2001:db8::1/64" */
  readonly address: string;
  readonly broadcast?: string;
  /** RT_SCOPE_*, universe when absent. */
  readonly scope?: number;
  /** IPv6: usable at once, without duplicate address detection. */
  readonly noDad?: boolean;
}

export function addressAdd(address: NewAddress): NetlinkRequest {
  return change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address, "add");
}

export function addressDelete(address: Pick<NewAddress, "link" | "address">): NetlinkRequest {
  return change(RTM_DELADDR, 0, address, "delete");
}

export function addressList(family: number): NetlinkRequest {
  return { type: RTM_GETADDR, flags: 0, payload: header(family, 0, 0, 0), description: "list addresses" };
}

export function decodeAddress(message: NetlinkMessage): Address {
  const attributes = parseAttributes(message.payload.subarray(8));
  // On a point-to-point link IFA_ADDRESS is the other end's; IFA_LOCAL, where there is one, is always ours.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS) ?? Buffer.alloc(4);
  const broadcast = attributes.get(IFA_BROADCAST);
  return {
    family: message.payload[0] === AF_INET6 ? "inet6" : "inet",
    link: message.payload.readUInt32LE(4),
    address: `${formatAddress(bytes)}/${message.payload[1]}`,
    broadcast: broadcast && formatAddress(broadcast),
    label: readText(attributes.get(IFA_LABEL)),
    scope: message.payload[3] ?? RT_SCOPE_UNIVERSE,
    flags: readU32(attributes.get(IFA_FLAGS)) ?? message.payload[2] ?? 0,
  };
}

function change(type: number, flags: number, address: NewAddress, verb: string): NetlinkRequest {
  const { bytes, bits } = parsePrefix(address.address);
  const family = bytes.length === 4 ? AF_INET : AF_INET6;
  const parts = [
    header(family, bits, address.scope ?? RT_SCOPE_UNIVERSE, address.link),
    bytesAttribute(IFA_LOCAL, bytes),
    bytesAttribute(IFA_ADDRESS, bytes),
  ];
  if (address.broadcast) parts.push(bytesAttribute(IFA_BROADCAST, parseAddress(address.broadcast)));
  if (address.noDad && family === AF_INET6) parts.push(u32Attribute(IFA_FLAGS, IFA_F_NODAD));
  const description = `${verb} address ${address.address} on link ${address.link}`;
  return { type, flags, payload: Buffer.concat(parts), description };
}

/** struct ifaddrmsg: family, prefix length, flags, scope, index. */
function header(family: number, bits: number, scope: number, link: number): Buffer {
  const bytes = Buffer.from([family, bits, 0, scope, 0, 0, 0, 0]);
  bytes.writeUInt32LE(link, 4);
  return bytes;
}
