export { nativeSys } from "./addon.ts";
export { capabilitiesOfMask, capabilityNames } from "./capabilities.ts";
export * from "./constants.ts";
export { type DeviceNode, deviceNodesAt, deviceNumbers } from "./device-nodes.ts";
export { errnoName, isSystemError, type SystemError } from "./errors.ts";
export { Fd } from "./fd.ts";
export {
  FileTooLargeError,
  openDirectory,
  openDirectoryInRoot,
  openFileInRoot,
  openInRoot,
  readFileInRoot,
} from "./in-root.ts";
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
export { sealedProgram } from "./sealed-program.ts";
export type * from "./surface.ts";
