import { messageOf } from "@gantry/common/error-message";
import type { InputOf, ItemOf, ReplyOf, RequestOf, StreamContext } from "@gantry/ipc";
import { relay } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import {
  familiarize,
  formatReference,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
} from "@gantry/oci-spec";
import { invalid, notFound } from "../base/errors.ts";
import type { ImageDeps } from "./deps.ts";

type Methods = (typeof engineContract)["methods"];
type Context<K extends keyof Methods> = StreamContext<ItemOf<Methods[K]>, InputOf<Methods[K]>>;

/** `push`: the image of exactly this name. */
export async function pushImage(
  deps: ImageDeps,
  request: RequestOf<Methods["imagePush"]>,
  context: Context<"imagePush">,
): Promise<ReplyOf<Methods["imagePush"]>> {
  const reference = withDefaultTag(referenceOf(request.Name));
  if (reference.digest !== undefined) throw invalid("cannot push a digest reference");
  const name = formatReference(reference);
  const { images } = await deps.supervisor.call("images.list", {});
  if (!images.some((image) => image.name === name)) {
    throw notFound(`An image does not exist locally with the tag: ${familiarize(repositoryName(reference))}`);
  }
  const { Platform: platform, Auth: auth } = request;
  const upstream = deps.supervisor.open("images.push", { name, ...(platform && { platform }), ...(auth && { auth }) });
  const { target } = await relay(context, upstream);
  deps.images.invalidate();
  deps.events.emit("image", "push", familiarize(name), { name: familiarize(name) });
  return { Digest: target.digest, Size: target.size };
}

/** The tags that a registry has of a repository. */
export async function remoteTags(
  deps: ImageDeps,
  request: RequestOf<Methods["imageRemoteTags"]>,
): Promise<ReplyOf<Methods["imageRemoteTags"]>> {
  const { Name, Auth: auth } = request;
  const repository = repositoryName(referenceOf(Name));
  const { tags } = await deps.supervisor.call("images.listTags", { repository, ...(auth && { auth }) });
  return { Tags: tags };
}

/** `login`: whether a registry takes credentials. */
export async function login(
  deps: ImageDeps,
  { Registry: registry, Auth: auth }: RequestOf<Methods["registryLogin"]>,
): Promise<ReplyOf<Methods["registryLogin"]>> {
  const { identityToken } = await deps.supervisor.call("images.login", { registry, auth });
  return identityToken === undefined ? {} : { IdentityToken: identityToken };
}

function referenceOf(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    throw invalid(messageOf(error));
  }
}
