export { nativeSys } from "./addon.ts";
export { capabilitiesOfMask, capabilityNames } from "./capabilities.ts";
export * from "./constants.ts";
export { type DeviceNode, deviceNodesAt, deviceNumbers } from "./device-nodes.ts";
export { isSystemError, type SystemError } from "./errors.ts";
export { Fd } from "./fd.ts";
export { mountSnapshot, type SnapshotMount } from "./mount-list.ts";
export { type MountInfo, parseMountinfo } from "./mountinfo.ts";
export {
  type FilesystemMount,
  type MountOptions,
  mountAttributes,
  mountFilesystem,
  mountOverlay,
  type OverlayMount,
} from "./mounts.ts";
export type { Address, NewAddress } from "./netlink/address.ts";
export { openRoute, RouteClient } from "./netlink/client.ts";
export { NetlinkError } from "./netlink/error.ts";
export { formatAddress, type Prefix, parseAddress, parsePrefix } from "./netlink/ip.ts";
export type { Link, LinkRef, LinkSettings, NewLink, NewVeth } from "./netlink/link.ts";
export type { NetlinkRequest } from "./netlink/message.ts";
export * as rtnetlink from "./netlink/requests.ts";
export type { NewRoute, Route } from "./netlink/route.ts";
export { sealedProgram } from "./sealed-program.ts";
export type * from "./surface.ts";
