import { conflict } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import type { ImageUser, RemoveImageDeps } from "./deps.ts";
import { isNameless, namelessName, sameRepository, shownTag } from "./names.ts";
import { groupByImage, type NamedImage } from "./view.ts";

export interface RemovedItem {
  Untagged?: string;
  Deleted?: string;
}

/**
 * Removes a name of an image, and the image with the last one.
 * @throws RpcError NotFound, FailedPrecondition with Docker's message while containers use it
 */
export async function removeImage(deps: RemoveImageDeps, reference: string, force: boolean): Promise<RemovedItem[]> {
  const found = await deps.images.resolve(reference);
  const group = groupByImage(await deps.images.all()).find((image) => image.id === found.id) ?? {
    id: found.id,
    image: found,
    names: [found.resolved.image.name],
  };
  const byId = isIdReference(reference, found.id);
  const names = byId ? group.names : [found.resolved.image.name];
  if (byId) checkIdRemoval(group, force);
  const isLast = names.length === group.names.length;
  if (isLast) checkUsers(deps, { group, reference, byId, force });
  // By name and with force, a running container's image loses its name and stays, dangling.
  const last = isLast && (byId || !isRunning(deps, group));
  if (isLast && !last) await keepAsDangling(deps, group);
  // A snapshot that is still being cleared away would keep the image's layers.
  if (last) await deps.background.idle();
  const items: RemovedItem[] = [];
  for (const name of names) {
    await deps.supervisor.call("images.delete", { name });
    if (isNameless(name)) continue;
    items.push({ Untagged: shownTag(name) ?? name });
    deps.events.emit("image", "untag", group.id, { name: shownTag(name) ?? name });
  }
  deps.images.invalidate();
  if (last) {
    items.push({ Deleted: group.id });
    deps.events.emit("image", "delete", group.id, { name: group.id });
  }
  return items;
}

function isRunning(deps: RemoveImageDeps, { id }: NamedImage): boolean {
  return deps.imageUsers().some((user) => user.imageId === id && user.isRunning);
}

async function keepAsDangling(deps: RemoveImageDeps, { image }: NamedImage): Promise<void> {
  const { name, target } = image.resolved.image;
  await deps.supervisor.call("images.tag", { name, newName: namelessName(target.digest.slice(7, 71)) });
}

function isIdReference(reference: string, id: string): boolean {
  const hex = reference.replace(/^sha256:/, "");
  return /^[0-9a-f]+$/.test(hex) && id.startsWith(`sha256:${hex}`);
}

function checkIdRemoval(group: NamedImage, force: boolean): void {
  const [first = "", ...others] = group.names.filter((name) => !isNameless(name));
  if (!force && others.some((name) => !sameRepository(first, name))) {
    throw conflict(
      `conflict: unable to delete ${shortId(group.id)} (must be forced) - image is referenced in multiple repositories`,
    );
  }
}

interface Removal {
  readonly group: NamedImage;
  readonly reference: string;
  readonly byId: boolean;
  readonly force: boolean;
}

/** A running container keeps its image; a stopped container does so unless force is given. */
function checkUsers(deps: RemoveImageDeps, { group, reference, byId, force }: Removal): void {
  const users = deps.imageUsers().filter(({ imageId }) => imageId === group.id);
  const running = users.find(({ isRunning }) => isRunning);
  const image = shortId(group.id);
  if (running && byId) {
    throw conflict(
      `conflict: unable to delete ${image} (cannot be forced) - image is being used by running container ${shortOf(running)}`,
    );
  }
  const user = running ?? users[0];
  if (!user || force) return;
  throw conflict(
    byId
      ? `conflict: unable to delete ${image} (must be forced) - image is being used by stopped container ${shortOf(user)}`
      : `conflict: unable to remove repository reference "${reference}" (must force) - container ${shortOf(user)} is using its referenced image ${image}`,
  );
}

function shortOf(container: ImageUser): string {
  return shortId(container.id);
}
