import {
  formatPlatform,
  hostPlatform,
  type ImageConfig,
  type ImageDescriptor,
  type ImageManifest,
  isForeignLayerType,
  isIndexType,
  matchesPlatform,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  selectPlatform,
} from "@gantry/oci-spec";
import type { ContentStore } from "../../content/store.ts";
import { invalidArgument, notFound } from "../../errors.ts";
import { isImage, maxNesting, wantedPlatform } from "../image-content.ts";

/** The parts of an image to export: those of platforms, all parts, or those that are in the store. */
export type Wanted = { readonly platforms: readonly string[] } | "all" | "here";

/** A manifest and its configuration. */
export interface SelectedManifest {
  readonly descriptor: ImageDescriptor;
  readonly manifest: ImageManifest;
  /** Undefined for an artifact that is not an image. */
  readonly config: ImageConfig | undefined;
  /** True when non-distributable layers were left out. */
  readonly isPartial: boolean;
}

/** The parts of a target to be written. */
export interface Selection {
  /** The descriptor in the archive's index.json. */
  readonly root: ImageDescriptor;
  /** Indexes, manifests and configurations, each after a document that names it. */
  readonly documents: readonly ImageDescriptor[];
  readonly manifests: readonly SelectedManifest[];
  readonly layers: readonly ImageDescriptor[];
}

interface Branch {
  readonly descriptor: ImageDescriptor;
  /** The selected entries of an index. */
  readonly children: readonly Branch[];
  readonly isWhole: boolean;
  readonly selected?: SelectedManifest;
}

/** Selects the parts of images to export. */
export class Selector {
  readonly #content: ContentStore;
  readonly #namespace: string;
  readonly #wanted: Wanted;
  readonly #skipsForeign: boolean;

  constructor(content: ContentStore, namespace: string, wanted: Wanted, skipsForeign: boolean) {
    this.#content = content;
    this.#namespace = namespace;
    this.#wanted = wanted;
    this.#skipsForeign = skipsForeign;
  }

  /** @throws RpcError NotFound for a missing part */
  select(target: ImageDescriptor): Selection {
    const branch = this.#branch(target, 0);
    if (!branch) throw notFound("no platform of it is here with all of its layers");
    const manifests = leavesOf(branch);
    const [only] = manifests;
    // One platform of many: its manifest is exported without the index, since readers expect every part of an index.
    const root = only && manifests.length === 1 && !branch.isWhole ? leafBranch(only) : branch;
    return {
      root: root.descriptor,
      documents: [...documentsOf(root)],
      manifests,
      layers: manifests.flatMap(({ manifest }) => manifest.layers.filter((layer) => this.#takes(layer))),
    };
  }

  #branch(descriptor: ImageDescriptor, depth: number): Branch | undefined {
    if (depth > maxNesting) throw invalidArgument(`image index ${descriptor.digest} is nested too deeply`);
    if (!this.#has(descriptor)) return this.#missing(descriptor);
    const bytes = this.#content.readAll(this.#namespace, descriptor.digest);
    if (!isIndexType(descriptor.mediaType)) return this.#leaf(descriptor, parseManifest(bytes));
    const { manifests } = parseIndex(bytes);
    const wanted = this.#among(manifests);
    const children = wanted.flatMap((child) => this.#branch(child, depth + 1) ?? []);
    if (children.length === 0) return undefined;
    const isWhole = children.length === manifests.length && children.every((child) => child.isWhole);
    return { descriptor, children, isWhole };
  }

  #leaf(descriptor: ImageDescriptor, manifest: ImageManifest): Branch | undefined {
    const layers = manifest.layers.filter((layer) => this.#takes(layer));
    const lost = [manifest.config, ...layers].find((part) => !this.#has(part));
    if (lost) return this.#missing(lost);
    const document = this.#content.readAll(this.#namespace, manifest.config.digest);
    const config = isImage(manifest, () => document) ? parseImageConfig(document) : undefined;
    this.#requirePlatform(config);
    const isPartial = layers.length < manifest.layers.length;
    return { descriptor, children: [], isWhole: true, selected: { descriptor, manifest, config, isPartial } };
  }

  /** The selected entries of an index, in its order. */
  #among(manifests: readonly ImageDescriptor[]): readonly ImageDescriptor[] {
    if (typeof this.#wanted === "string") return manifests;
    const chosen = this.#wanted.platforms.map((text) => {
      const found = selectPlatform(manifests, wantedPlatform(text));
      if (!found) throw notFound(`no matching manifest for ${text} in the manifest list entries`);
      return found;
    });
    return manifests.filter((entry) => chosen.includes(entry));
  }

  #requirePlatform(config: ImageConfig | undefined): void {
    if (typeof this.#wanted === "string" || !config) return;
    const { platforms } = this.#wanted;
    if (platforms.some((text) => matchesPlatform(wantedPlatform(text), config))) return;
    throw notFound(`its platform (${formatPlatform(config)}) does not match the specified ${platforms.join(", ")}`);
  }

  #missing({ digest }: ImageDescriptor): undefined {
    if (this.#wanted === "here") return undefined;
    throw notFound(`${digest} is not here: pull the image for all of its platforms first`);
  }

  #has({ digest }: ImageDescriptor): boolean {
    return this.#content.has(this.#namespace, digest);
  }

  #takes({ mediaType }: ImageDescriptor): boolean {
    return !this.#skipsForeign || !isForeignLayerType(mediaType);
  }
}

/** The manifest for readers that know only one platform: the host's, else the first. */
export function forOneReader(manifests: readonly SelectedManifest[]): SelectedManifest | undefined {
  const images = manifests.filter(({ config, isPartial }) => config !== undefined && !isPartial);
  const candidates = images.map((image) => ({ image, platform: image.config as Platform }));
  return selectPlatform(candidates, hostPlatform())?.image ?? images[0];
}

function leavesOf({ children, selected }: Branch): SelectedManifest[] {
  return selected ? [selected] : children.flatMap(leavesOf);
}

function leafBranch(selected: SelectedManifest): Branch {
  return { descriptor: selected.descriptor, children: [], isWhole: true, selected };
}

function* documentsOf({ descriptor, children, selected }: Branch): Generator<ImageDescriptor> {
  yield descriptor;
  if (selected) yield selected.manifest.config;
  for (const child of children) yield* documentsOf(child);
}
