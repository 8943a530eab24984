import type { ReplyOf, RequestOf } from "@gantry/ipc";
import { relay } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { parseReference, type Reference, repositoryName } from "@gantry/oci-spec";
import type { ImageDeps } from "./deps.ts";
import type { StreamOf } from "./fetch.ts";
import type { FoundImage } from "./images.ts";
import { isNameless, shownTag } from "./names.ts";

type Methods = (typeof engineContract)["methods"];

/** An image that goes into an archive, and the names that it has there. */
interface Saved {
  readonly name: string;
  readonly as: string[];
}

/** `save`. @throws RpcError NotFound before anything is written */
export async function saveImages(
  deps: ImageDeps,
  { Names, Platform }: RequestOf<Methods["imageSave"]>,
  context: StreamOf<"imageSave">,
): Promise<ReplyOf<Methods["imageSave"]>> {
  const images = (await Promise.all(Names.map((name) => findSaved(deps, name, Platform)))).flat();
  const platforms = Platform === undefined ? {} : { platforms: [Platform] };
  await relay(context, deps.supervisor.open("images.export", { images, format: "docker", ...platforms }));
  for (const { name } of images) {
    const { id } = await deps.images.resolve(name);
    deps.events.emit("image", "save", id, { name: id });
  }
  return {};
}

/** Docker's rules: a repository alone means all its tags; an id or a digest gives the archive's image no name. */
async function findSaved(deps: ImageDeps, name: string, platform: string | undefined): Promise<Saved[]> {
  const reference = referenceOf(name);
  if (reference && reference.tag === undefined && reference.digest === undefined) {
    const tagged = (await deps.images.all()).filter((image) => isTagOf(image, reference));
    if (tagged.length > 0) return tagged.map(({ resolved: { image } }) => ({ name: image.name, as: [image.name] }));
  }
  const { resolved } = await deps.images.resolve(name, platform);
  const stored = resolved.image.name;
  const isByTag = reference?.tag !== undefined && reference.digest === undefined && !isNameless(stored);
  return [{ name: stored, as: isByTag ? [stored] : [] }];
}

function referenceOf(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch {
    return undefined; // an id, perhaps
  }
}

function isTagOf({ resolved: { image } }: FoundImage, reference: Reference): boolean {
  if (shownTag(image.name) === undefined) return false;
  return repositoryName(parseReference(image.name)) === repositoryName(reference);
}
