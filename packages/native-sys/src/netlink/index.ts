export type { Address, NewAddress } from "./address.ts";
export { openRoute, RouteClient } from "./client.ts";
export { ConntrackClient, type Flow, type FlowFilter, type FlowTuple, openConntrack } from "./conntrack.ts";
export { NetlinkError } from "./error.ts";
export { formatAddress, type Prefix, parseAddress, parsePrefix } from "./ip.ts";
export type { Link, LinkRef, LinkSettings, NewLink, NewVeth } from "./link.ts";
export type { NetlinkRequest } from "./message.ts";
export * as rtnetlink from "./requests.ts";
export type { NewRoute, Route } from "./route.ts";
