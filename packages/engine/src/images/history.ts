import { unixSeconds, zeroTimestamp } from "@gantry/common/timestamp";
import { isRpcError, type ReplyOf, type RequestOf } from "@gantry/ipc";
import type { engineContract } from "@gantry/ipc/contracts/engine";
import { chainIdsOf, type ImageConfig } from "@gantry/oci-spec";
import type { ImageDeps } from "./deps.ts";
import { groupByImage, tagsOf } from "./view.ts";

type Methods = (typeof engineContract)["methods"];
type History = ReplyOf<Methods["imageHistory"]>;

/** `history`: the last step first; only the last one has an image's id. */
export async function imageHistory(
  deps: ImageDeps,
  { Name, Platform }: RequestOf<Methods["imageHistory"]>,
): Promise<History> {
  const { id, config } = await deps.images.resolve(Name, Platform);
  const named = groupByImage(await deps.images.all()).find((image) => image.id === id);
  const chain = chainIdsOf(config.rootfs.diff_ids ?? []);
  const sizes = await Promise.all(chain.map((key) => sizeOf(deps, key)));
  const items = stepsOf(config, chain.length).map(({ entry, layer }) => ({
    Id: "<missing>",
    Created: unixSeconds(entry.created ?? zeroTimestamp),
    CreatedBy: entry.created_by ?? "",
    Tags: [] as string[],
    Size: layer === undefined ? 0 : (sizes[layer] ?? 0),
    Comment: entry.comment ?? "",
  }));
  const own = items.at(-1);
  if (own) Object.assign(own, { Id: id, Tags: named ? tagsOf(named) : [] });
  return { Items: items.reverse() };
}

type Entry = NonNullable<ImageConfig["history"]>[number];

/** The entries of the history, each with the layer that it created; layers without an entry get an empty one. */
function stepsOf({ history = [] }: ImageConfig, layers: number): { entry: Entry; layer: number | undefined }[] {
  let next = 0;
  const listed = history.map((entry) => ({ entry, layer: entry.empty_layer ? undefined : next++ }));
  const unlisted = Array.from({ length: Math.max(0, layers - next) }, (_, at) => ({ entry: {}, layer: next + at }));
  return [...listed, ...unlisted];
}

async function sizeOf(deps: ImageDeps, key: string): Promise<number> {
  try {
    return (await deps.supervisor.call("snapshots.usage", { key })).size;
  } catch (error) {
    if (isRpcError(error, "NotFound")) return 0;
    throw error;
  }
}
