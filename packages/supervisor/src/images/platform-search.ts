import {
  formatPlatform,
  type ImageConfig,
  type ImageDescriptor,
  ImageError,
  type ImageManifest,
  isIndexType,
  isManifestType,
  matchesPlatform,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  rankPlatforms,
} from "@gantry/oci-spec";
import { invalidArgument, isNotFound, notFound } from "../errors.ts";

/** Reads the document of a descriptor. */
export type ReadDocument = (descriptor: ImageDescriptor) => Promise<Uint8Array> | Uint8Array;

/** A manifest for one platform, of an image or of another artifact. */
export interface PlatformManifest {
  readonly manifestDescriptor: ImageDescriptor;
  readonly manifest: ImageManifest;
  /** Documents from the target to the manifest, the target first. */
  readonly path: readonly ImageDescriptor[];
}

/** How deep indexes may be nested. */
export const maxNesting = 4;

/**
 * The search for the manifest of a platform in an index and the indexes in it (image-spec image-index.md). Entries of
 * the platform come first. An entry without one is of the platform that its image's configuration states, as with
 * containerd, unless it stands alone: then it is what the index is for.
 */
export class PlatformSearch {
  readonly #platform: Platform;
  readonly #read: ReadDocument;
  /** Why an entry without a platform could not be looked into. */
  #missing: unknown;

  constructor(platform: Platform, read: ReadDocument) {
    this.#platform = platform;
    this.#read = read;
  }

  /** @throws RpcError NotFound when there is no manifest for the platform */
  async find(target: ImageDescriptor): Promise<PlatformManifest> {
    const found = await this.#visit([target], true);
    if (found) return found;
    if (this.#missing !== undefined) throw this.#missing;
    throw notFound(`no matching manifest for ${formatPlatform(this.#platform)} in the manifest list entries`);
  }

  /** @param isKnown the last descriptor is of the platform; else its configuration has to say so */
  async #visit(path: readonly ImageDescriptor[], isKnown: boolean): Promise<PlatformManifest | undefined> {
    const descriptor = path.at(-1) as ImageDescriptor;
    if (isIndexType(descriptor.mediaType)) return await this.#inIndex(path, isKnown);
    const manifest = parseManifest(await this.#read(descriptor));
    if (!isKnown && !(await this.#isOfPlatform(manifest))) return undefined;
    return { manifestDescriptor: descriptor, manifest, path };
  }

  async #inIndex(path: readonly ImageDescriptor[], isKnown: boolean): Promise<PlatformManifest | undefined> {
    const index = path.at(-1) as ImageDescriptor;
    if (path.length > maxNesting) throw invalidArgument(`image index ${path[0]?.digest} is nested too deeply`);
    const { manifests } = parseIndex(await this.#read(index));
    for (const entry of rankPlatforms(manifests, this.#platform)) {
      const found = await this.#visit([...path, entry], true);
      if (found) return found;
    }
    const others = manifests.filter((entry) => !entry.platform && isDocument(entry));
    const isAlone = isKnown && manifests.length === 1;
    for (const entry of others) {
      const found = isAlone ? await this.#visit([...path, entry], true) : await this.#lookInto([...path, entry]);
      if (found) return found;
    }
    return undefined;
  }

  /** An entry that may be for anything: what is not here, or is no image, is passed over. */
  async #lookInto(path: readonly ImageDescriptor[]): Promise<PlatformManifest | undefined> {
    try {
      return await this.#visit(path, false);
    } catch (error) {
      if (error instanceof ImageError) return undefined;
      if (!isNotFound(error)) throw error;
      this.#missing ??= error;
      return undefined;
    }
  }

  async #isOfPlatform({ config }: ImageManifest): Promise<boolean> {
    const document: ImageConfig = parseImageConfig(await this.#read(config));
    return matchesPlatform(this.#platform, document);
  }
}

function isDocument({ mediaType }: ImageDescriptor): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType);
}
