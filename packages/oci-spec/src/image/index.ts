export {
  isForeignLayerType,
  isIndexType,
  isManifestType,
  manifestAccept,
  mediaTypes,
} from "./media-types.ts";
export type {
  DockerArchive,
  ImageConfig,
  ImageDescriptor,
  ImageDocument,
  ImageIndex,
  ImageManifest,
  ImagePlatform,
  ImageRunConfig,
} from "./parse.ts";
export {
  ImageError,
  parseDockerArchive,
  parseImageConfig,
  parseImageLayout,
  parseIndex,
  parseManifest,
} from "./parse.ts";
