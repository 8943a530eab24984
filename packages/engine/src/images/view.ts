import { unixSeconds, zeroTimestamp } from "@gantry/common/timestamp";
import type { ImageSummary } from "@gantry/ipc/contracts/engine-types";
import type { FoundImage } from "./images.ts";
import { isNameless, shownDigest, shownTag } from "./names.ts";

/** One image under all its names. */
export interface NamedImage {
  readonly id: string;
  readonly image: FoundImage;
  /** Full names, the hidden ones of nameless images included. */
  readonly names: readonly string[];
}

/** Puts the names of the same image together. */
export function groupByImage(found: readonly FoundImage[]): NamedImage[] {
  const groups = new Map<string, { id: string; image: FoundImage; names: string[] }>();
  for (const image of found) {
    const group = groups.get(image.id) ?? { id: image.id, image, names: [] };
    group.names.push(image.resolved.image.name);
    groups.set(image.id, group);
  }
  return [...groups.values()];
}

export function tagsOf(image: NamedImage): string[] {
  return image.names.flatMap((name) => shownTag(name) ?? []).sort();
}

export function digestsOf(image: NamedImage): string[] {
  const byDigest = image.names.filter((name) => name.includes("@"));
  const all = new Set(
    [...image.image.resolved.repoDigests, ...byDigest].filter((name) => !name.startsWith("none.invalid/")),
  );
  return [...all].map(shownDigest).sort();
}

/** Whether an image has neither a tag nor a digest that a user pulled it by. */
export function isDangling(image: NamedImage): boolean {
  return image.names.every(isNameless);
}

export function summarize(image: NamedImage, containers: number): ImageSummary {
  const { config, runConfig, resolved } = image.image;
  return {
    Id: image.id,
    RepoTags: tagsOf(image),
    RepoDigests: digestsOf(image),
    Created: unixSeconds(config.created ?? zeroTimestamp),
    Size: resolved.unpackedSize,
    Labels: { ...runConfig.Labels },
    Containers: containers,
  };
}

/** As `docker image inspect`. */
export function inspectView(image: NamedImage, snapshotter: string): Record<string, unknown> {
  const { config, runConfig, resolved } = image.image;
  const history = config.history ?? [];
  return {
    Id: image.id,
    RepoTags: tagsOf(image),
    RepoDigests: digestsOf(image),
    Parent: "",
    Comment: history.at(-1)?.comment ?? "",
    Created: config.created ?? zeroTimestamp,
    DockerVersion: "",
    Author: config.author ?? "",
    Config: {
      Hostname: "",
      User: "",
      Env: null,
      Cmd: null,
      Image: "",
      Volumes: null,
      WorkingDir: "",
      Entrypoint: null,
      OnBuild: null,
      Labels: null,
      ...runConfig,
    },
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    Size: resolved.unpackedSize,
    GraphDriver: { Name: snapshotter, Data: null },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids ?? [] },
    Metadata: { LastTagTime: resolved.image.updatedAt },
    Descriptor: { ...resolved.image.target },
  };
}
