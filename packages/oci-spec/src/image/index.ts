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
  LegacyImage,
} from "./parse.ts";
export {
  ImageError,
  parseDockerArchive,
  parseImageConfig,
  parseImageLayout,
  parseIndex,
  parseLegacyImage,
  parseManifest,
  parseRepositories,
} from "./parse.ts";
