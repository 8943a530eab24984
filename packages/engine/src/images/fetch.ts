import { messageOf } from "@gantry/common/error-message";
import type { InputOf, ItemOf, ReplyOf, RequestOf, StreamContext } from "@gantry/ipc";
import { isRpcError, relay } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { familiarize, formatReference, hostPlatform, parseReference, withDefaultTag } from "@gantry/oci-spec";
import { invalid } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { applyChanges } from "./changes.ts";
import type { ImageDeps } from "./deps.ts";
import { isNameless, namelessArchive, namelessName, namelessRepository, targetName } from "./names.ts";

type Methods = (typeof engineContract)["methods"];
/** The context of a streaming method's handler. */
export type StreamOf<K extends keyof Methods> = StreamContext<ItemOf<Methods[K]>, InputOf<Methods[K]>>;

/** `pull`: the image that had the name before stays, dangling. */
export async function pullImage(
  deps: ImageDeps,
  request: RequestOf<Methods["imagePull"]>,
  context: StreamOf<"imagePull">,
): Promise<ReplyOf<Methods["imagePull"]>> {
  const name = fullName(request.Name);
  const kept = await keepNameless(deps, name);
  try {
    const upstream = deps.supervisor.open("images.pull", {
      name,
      imageOnly: true,
      ...(request.Platform ? { platform: request.Platform } : {}),
      ...(request.Auth ? { auth: request.Auth } : {}),
    });
    const { image, changed } = await relay(context, upstream);
    deps.images.invalidate();
    if (!changed && kept) await forget(deps, kept);
    deps.events.emit("image", "pull", familiarize(name), { name: familiarize(name) });
    return { Name: name, Digest: image.target.digest, Changed: changed };
  } catch (error) {
    if (kept) await forget(deps, kept);
    throw error;
  }
}

/** Gives the image that has a name a hidden one, unless it has others, so that it is kept when the name moves. */
export async function keepNameless(deps: ImageDeps, name: string): Promise<string | undefined> {
  try {
    const { images } = await deps.supervisor.call("images.list", {});
    const target = images.find((image) => image.name === name)?.target;
    if (!target || images.some((image) => image.name !== name && image.target.digest === target.digest)) return;
    const newName = namelessName(target.digest.slice(7, 71));
    await deps.supervisor.call("images.tag", { name, newName });
    return newName;
  } catch (error) {
    if (isRpcError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function forget(deps: ImageDeps, name: string): Promise<void> {
  await deps.supervisor.call("images.delete", { name }).catch((error: unknown) => {
    deps.log.warn({ name, error: messageOf(error) }, "removing a hidden name of an image");
  });
  deps.images.invalidate();
}

/** `tag`: the image that had the target's name before stays, dangling. */
export async function tagImage(deps: ImageDeps, reference: string, target: string): Promise<void> {
  const newName = formatReference(targetName(target));
  const found = await deps.images.resolve(reference);
  const present = await deps.images.resolve(newName).catch(() => undefined);
  if (present && present.id !== found.id) await keepNameless(deps, newName);
  await deps.supervisor.call("images.tag", { name: found.resolved.image.name, newName });
  if (isNameless(found.resolved.image.name)) await forget(deps, found.resolved.image.name);
  deps.images.invalidate();
  deps.events.emit("image", "tag", found.id, { name: familiarize(newName) });
}

/** `load`. */
export async function loadImages(
  deps: ImageDeps,
  request: RequestOf<Methods["imageLoad"]>,
  context: StreamOf<"imageLoad">,
): Promise<ReplyOf<Methods["imageLoad"]>> {
  const defaultName = namelessArchive(newId().slice(0, 32));
  const platform = request.Platform ? { platform: request.Platform } : {};
  const load = { defaultName, keepReplacedIn: namelessRepository, ...platform };
  const { images } = await relay(context, deps.supervisor.open("images.load", load));
  deps.images.invalidate();
  const shown: string[] = [];
  for (const image of images) {
    const { id } = await deps.images.resolve(image.name);
    shown.push(isNameless(image.name) ? id : familiarize(image.name));
    if (isNameless(image.name)) await dropIfNamed(deps, id, image.name);
    deps.events.emit("image", "load", id, { name: shown.at(-1) ?? id });
  }
  return { Loaded: shown };
}

/** Removes an image's hidden name where it has another one. */
async function dropIfNamed(deps: ImageDeps, id: string, name: string): Promise<void> {
  const named = (await deps.images.all()).some((image) => image.id === id && image.resolved.image.name !== name);
  if (named) await forget(deps, name);
}

/** `import`. */
export async function importImage(
  deps: ImageDeps,
  request: RequestOf<Methods["imageImport"]>,
  context: StreamOf<"imageImport">,
): Promise<ReplyOf<Methods["imageImport"]>> {
  const name =
    request.Target === ""
      ? namelessName(`import-${newId().slice(0, 32)}`)
      : formatReference(targetName(request.Target));
  if (request.Target !== "") await keepNameless(deps, name);
  const { os, architecture, variant } = hostPlatform();
  const created = deps.clock.now();
  const configDocument = {
    created,
    architecture,
    os,
    ...(variant ? { variant } : {}),
    config: { ...applyChanges(request.Changes ?? []) },
    history: [{ created, comment: request.Message ?? "Imported from -" }],
  };
  const platform = request.Platform ? { platform: request.Platform } : {};
  const upstream = deps.supervisor.open("images.importRootfs", { name, configDocument, ...platform });
  const { configDigest } = await relay(context, upstream);
  deps.images.invalidate();
  deps.events.emit("image", "import", configDigest, { name: familiarize(name) });
  return { Id: configDigest };
}

function fullName(text: string): string {
  try {
    return formatReference(withDefaultTag(parseReference(text)));
  } catch (error) {
    throw invalid(messageOf(error));
  }
}
