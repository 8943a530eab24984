// Links: struct ifinfomsg and the IFLA_ attributes (rtnetlink(7)).
import {
  AF_UNSPEC,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_BRPORT_MODE,
  IFLA_EXT_MASK,
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_INFO_SLAVE_DATA,
  IFLA_INFO_SLAVE_KIND,
  IFLA_LINK,
  IFLA_LINKINFO,
  IFLA_MASTER,
  IFLA_MTU,
  IFLA_NET_NS_FD,
  IFLA_OPERSTATE,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_SETLINK,
  VETH_INFO_PEER,
} from "../constants.ts";
import {
  bytesAttribute,
  nestedAttribute,
  parseAttributes,
  readText,
  readU32,
  textAttribute,
  u8Attribute,
  u32Attribute,
} from "./attributes.ts";
import type { NetlinkMessage, NetlinkRequest } from "./message.ts";

const skipStatistics = 8; // RTEXT_FILTER_SKIP_STATS
const maxNameLength = 15; // IFNAMSIZ - 1

/** A link by its index, or by its name. */
export type LinkRef = number | string;

export interface Link {
  readonly index: number;
  readonly name: string;
  /** "bridge", "veth", "dummy", …; undefined for a physical device and the loopback. */
  readonly kind: string | undefined;
  /** IFF_* */
  readonly flags: number;
  readonly up: boolean;
  readonly mtu: number;
  /** "02:42:ac:11:00:02"; undefined where the link has none. */
  readonly mac: string | undefined;
  /** Index of the bridge that it is a port of; 0 for none. */
  readonly master: number;
  /** Index of the peer of a veth, in the peer's namespace; 0 for none. */
  readonly peer: number;
  /** RFC 2863 state: 6 is up, 2 down. */
  readonly operState: number;
}

/** Attributes of a link, for its creation and later changes. */
export interface LinkSettings {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** Index of the bridge to join; 0 leaves it. */
  readonly master?: number;
  /** Moves the link into the network namespace behind this descriptor. */
  readonly netnsFd?: number;
}

export interface NewLink extends LinkSettings {
  readonly name: string;
  /** Wanted index, so that a batch can go on with it; the kernel's choice when absent. */
  readonly index?: number;
}

export interface NewVeth extends NewLink {
  /** The other end, made in the namespace of its own `netnsFd` where that is given. */
  readonly peer: NewLink;
}

export function linkAddBridge(link: NewLink): NetlinkRequest {
  return addLink(link, textAttribute(IFLA_INFO_KIND, "bridge"));
}

export function linkAddDummy(link: NewLink): NetlinkRequest {
  return addLink(link, textAttribute(IFLA_INFO_KIND, "dummy"));
}

export function linkAddVeth(link: NewVeth): NetlinkRequest {
  const peer = nestedAttribute(VETH_INFO_PEER, ...newLinkParts(link.peer));
  return addLink(link, textAttribute(IFLA_INFO_KIND, "veth"), nestedAttribute(IFLA_INFO_DATA, peer));
}

export function linkDelete(link: LinkRef): NetlinkRequest {
  return request(RTM_DELLINK, 0, [linkHeader(link, {}), ...nameOf(link)], `delete link ${link}`);
}

export function linkSet(link: LinkRef, settings: LinkSettings): NetlinkRequest {
  const parts = [linkHeader(link, settings), ...nameOf(link), ...settingsAttributes(settings)];
  return request(RTM_SETLINK, 0, parts, `set link ${link}`);
}

/** Only by index: in a message that names the link, the name says which one is meant. */
export function linkRename(index: number, name: string): NetlinkRequest {
  const parts = [linkHeader(index, {}), nameAttribute(name)];
  return request(RTM_SETLINK, 0, parts, `rename link ${index} to ${name}`);
}

/** Moves a link into the network namespace behind a descriptor, under a new name; "%d" in it is a number of the kernel's. */
export function linkMove(index: number, netnsFd: number, name: string): NetlinkRequest {
  const parts = [linkHeader(index, {}), nameAttribute(name), u32Attribute(IFLA_NET_NS_FD, netnsFd)];
  return request(RTM_SETLINK, 0, parts, `move link ${index} as ${name}`);
}

/** Whether a bridge sends a frame back through the port it came from, as a published port reached from inside needs. */
export function linkSetHairpin(link: LinkRef, on: boolean): NetlinkRequest {
  const data = nestedAttribute(IFLA_INFO_SLAVE_DATA, u8Attribute(IFLA_BRPORT_MODE, on ? 1 : 0));
  const info = nestedAttribute(IFLA_LINKINFO, textAttribute(IFLA_INFO_SLAVE_KIND, "bridge"), data);
  return request(RTM_NEWLINK, 0, [linkHeader(link, {}), ...nameOf(link), info], `set hairpin mode of link ${link}`);
}

export function linkGet(link: LinkRef): NetlinkRequest {
  const parts = [linkHeader(link, {}), ...nameOf(link), u32Attribute(IFLA_EXT_MASK, skipStatistics)];
  return request(RTM_GETLINK, 0, parts, `get link ${link}`);
}

export function linkList(): NetlinkRequest {
  return request(RTM_GETLINK, 0, [linkHeader(0, {}), u32Attribute(IFLA_EXT_MASK, skipStatistics)], "list links");
}

export function decodeLink(message: NetlinkMessage): Link {
  const attributes = parseAttributes(message.payload.subarray(16));
  const info = attributes.get(IFLA_LINKINFO);
  const flags = message.payload.readUInt32LE(8);
  const mac = attributes.get(IFLA_ADDRESS);
  return {
    index: message.payload.readInt32LE(4),
    name: readText(attributes.get(IFLA_IFNAME)) ?? "",
    kind: info && readText(parseAttributes(info).get(IFLA_INFO_KIND)),
    flags,
    up: (flags & IFF_UP) !== 0,
    mtu: readU32(attributes.get(IFLA_MTU)) ?? 0,
    mac: mac && mac.length > 0 ? formatMac(mac) : undefined,
    master: readU32(attributes.get(IFLA_MASTER)) ?? 0,
    peer: readU32(attributes.get(IFLA_LINK)) ?? 0,
    operState: attributes.get(IFLA_OPERSTATE)?.[0] ?? 0,
  };
}

function addLink(link: NewLink, ...info: readonly Buffer[]): NetlinkRequest {
  const parts = [...newLinkParts(link), nestedAttribute(IFLA_LINKINFO, ...info)];
  return request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, parts, `add link ${link.name}`);
}

function newLinkParts(link: NewLink): Buffer[] {
  return [linkHeader(link.index ?? 0, link), nameAttribute(link.name), ...settingsAttributes(link)];
}

function settingsAttributes(settings: LinkSettings): Buffer[] {
  const { mtu, mac, master, netnsFd } = settings;
  const attributes: Buffer[] = [];
  if (mtu !== undefined) attributes.push(u32Attribute(IFLA_MTU, mtu));
  if (mac !== undefined) attributes.push(bytesAttribute(IFLA_ADDRESS, parseMac(mac)));
  if (master !== undefined) attributes.push(u32Attribute(IFLA_MASTER, master));
  if (netnsFd !== undefined) attributes.push(u32Attribute(IFLA_NET_NS_FD, netnsFd));
  return attributes;
}

/** struct ifinfomsg: family, type, index, flags, and which flags are meant. */
function linkHeader(link: LinkRef, settings: LinkSettings): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt8(AF_UNSPEC, 0);
  header.writeInt32LE(typeof link === "number" ? link : 0, 4);
  if (settings.up !== undefined) {
    header.writeUInt32LE(settings.up ? IFF_UP : 0, 8);
    header.writeUInt32LE(IFF_UP, 12);
  }
  return header;
}

function nameOf(link: LinkRef): Buffer[] {
  return typeof link === "string" ? [nameAttribute(link)] : [];
}

function nameAttribute(name: string): Buffer {
  const length = Buffer.byteLength(name);
  if (length === 0 || length > maxNameLength) {
    throw new Error(`link name "${name}" must have 1 to ${maxNameLength} bytes`);
  }
  return textAttribute(IFLA_IFNAME, name);
}

function request(type: number, flags: number, parts: readonly Buffer[], description: string): NetlinkRequest {
  return { type, flags, payload: Buffer.concat(parts), description };
}

function parseMac(text: string): Buffer {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text))
    throw new Error(`"${text}" must be a MAC address such as 02:42:ac:11:00:02`);
  return Buffer.from(text.replaceAll(":", ""), "hex");
}

function formatMac(bytes: Buffer): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
