// Routes: struct rtmsg and the RTA_ attributes (rtnetlink(7)).
import {
  AF_INET,
  AF_INET6,
  NLM_F_CREATE,
  NLM_F_EXCL,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_TABLE,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  RTN_UNICAST,
  RTN_UNSPEC,
  RTPROT_BOOT,
  RTPROT_UNSPEC,
} from "../constants.ts";
import { bytesAttribute, parseAttributes, readU32, u32Attribute } from "./attributes.ts";
import { formatAddress, type Prefix, parseAddress, parsePrefix } from "./ip.ts";
import type { NetlinkMessage, NetlinkRequest } from "./message.ts";

export interface Route {
  readonly family: "inet" | "inet6";
  /** "192.0.2.0/24"; "default" for all. */
  readonly destination: string;
  readonly gateway: string | undefined;
  /** Index of the link that it leads through. */
  readonly link: number | undefined;
  readonly source: string | undefined;
  readonly metric: number | undefined;
  readonly table: number;
  /** RT_SCOPE_*, RTPROT_*, RTN_* */
  readonly scope: number;
  readonly protocol: number;
  readonly type: number;
}

export interface NewRoute {
  /** "192.0.2.0/24", or "default" beside a gateway that determines the family. */
  readonly destination: string;
  readonly gateway?: string;
  /** Index of the link. */
  readonly link?: number;
  /** The source address to prefer. */
  readonly source?: string;
  readonly metric?: number;
  /** RT_TABLE_MAIN when absent. */
  readonly table?: number;
  /** RTN_*, unicast when absent. */
  readonly type?: number;
}

export function routeAdd(route: NewRoute): NetlinkRequest {
  const scope = route.gateway || route.type !== undefined ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  const kind = { scope, protocol: RTPROT_BOOT, type: route.type ?? RTN_UNICAST };
  return change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route, kind);
}

/** Deletes the first route that has all the given attributes. */
export function routeDelete(route: NewRoute): NetlinkRequest {
  const any = { scope: RT_SCOPE_NOWHERE, protocol: RTPROT_UNSPEC, type: route.type ?? RTN_UNSPEC };
  return change(RTM_DELROUTE, 0, route, any);
}

export function routeAddDefault(gateway: string, link?: number): NetlinkRequest {
  return routeAdd(link === undefined ? { destination: "default", gateway } : { destination: "default", gateway, link });
}

export function routeList(family: number): NetlinkRequest {
  const payload = header(family, 0, RT_TABLE_UNSPEC, { scope: 0, protocol: 0, type: 0 });
  return { type: RTM_GETROUTE, flags: 0, payload, description: "list routes" };
}

export function decodeRoute(message: NetlinkMessage): Route {
  const { payload } = message;
  const attributes = parseAttributes(payload.subarray(12));
  const destination = attributes.get(RTA_DST);
  const gateway = attributes.get(RTA_GATEWAY);
  const source = attributes.get(RTA_PREFSRC);
  return {
    family: payload[0] === AF_INET6 ? "inet6" : "inet",
    destination: destination ? `${formatAddress(destination)}/${payload[1]}` : "default",
    gateway: gateway && formatAddress(gateway),
    link: readU32(attributes.get(RTA_OIF)),
    source: source && formatAddress(source),
    metric: readU32(attributes.get(RTA_PRIORITY)),
    table: readU32(attributes.get(RTA_TABLE)) ?? payload[4] ?? 0,
    scope: payload[6] ?? 0,
    protocol: payload[5] ?? 0,
    type: payload[7] ?? 0,
  };
}

interface RouteKind {
  readonly scope: number;
  readonly protocol: number;
  readonly type: number;
}

function change(type: number, flags: number, route: NewRoute, kind: RouteKind): NetlinkRequest {
  const destination = destinationOf(route);
  const family = destination.bytes.length === 4 ? AF_INET : AF_INET6;
  const table = route.table ?? RT_TABLE_MAIN;
  const parts = [header(family, destination.bits, table < 256 ? table : RT_TABLE_UNSPEC, kind)];
  if (destination.bits > 0) parts.push(bytesAttribute(RTA_DST, destination.bytes));
  if (route.gateway) parts.push(bytesAttribute(RTA_GATEWAY, parseAddress(route.gateway)));
  if (route.link !== undefined) parts.push(u32Attribute(RTA_OIF, route.link));
  if (route.source) parts.push(bytesAttribute(RTA_PREFSRC, parseAddress(route.source)));
  if (route.metric !== undefined) parts.push(u32Attribute(RTA_PRIORITY, route.metric));
  if (table >= 256) parts.push(u32Attribute(RTA_TABLE, table));
  const verb = type === RTM_NEWROUTE ? "add" : "delete";
  const description = `${verb} route ${route.destination}${route.gateway ? ` via ${route.gateway}` : ""}`;
  return { type, flags, payload: Buffer.concat(parts), description };
}

function destinationOf(route: NewRoute): Prefix {
  if (route.destination !== "default") return parsePrefix(route.destination);
  const length = parseAddress(route.gateway ?? route.source ?? "0.0.0.0").length;
  return { bytes: Buffer.alloc(length), bits: 0 };
}

/** struct rtmsg: family, destination and source length, tos, table, protocol, scope, type, flags. */
function header(family: number, bits: number, table: number, kind: RouteKind): Buffer {
  return Buffer.from([family, bits, 0, 0, table, kind.protocol, kind.scope, kind.type, 0, 0, 0, 0]);
}
