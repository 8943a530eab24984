import { parseTimestamp, zeroTimestamp } from "@gantry/common/timestamp";
import type { Filters, ImageSummary } from "@gantry/ipc/contracts/engine-types";
import { booleanFilter, checkFilters, matchesLabels } from "../base/filters.ts";
import type { ImageUserDeps } from "./deps.ts";
import type { FoundImage, Images } from "./images.ts";
import { groupByImage, isDangling, summarize } from "./view.ts";

export interface ListImagesDeps extends ImageUserDeps {
  readonly images: Images;
}

/** Local images, the newest first. @throws RpcError InvalidArgument for an unknown filter */
export async function listImages(deps: ListImagesDeps, filters: Filters): Promise<ImageSummary[]> {
  checkFilters(filters, ["before", "dangling", "label", "reference", "since"]);
  const all = groupByImage(await deps.images.all());
  const dangling = booleanFilter(filters, "dangling");
  const bounds = {
    before: await createdOf(deps, filters["before"]),
    since: await createdOf(deps, filters["since"]),
  };
  const uses = new Map<string, number>();
  for (const { imageId } of deps.imageUsers()) uses.set(imageId, (uses.get(imageId) ?? 0) + 1);
  return all
    .filter((image) => dangling === undefined || isDangling(image) === dangling)
    .filter((image) => matchesLabels(image.image.runConfig.Labels ?? {}, filters["label"] ?? []))
    .filter((image) => bounds.before === undefined || created(image) < bounds.before)
    .filter((image) => bounds.since === undefined || created(image) > bounds.since)
    .map((image) => summarize(image, uses.get(image.id) ?? 0))
    .flatMap((image) => withMatchingNames(image, filters["reference"] ?? []))
    .sort((a, b) => b.Created - a.Created);
}

/** Nanoseconds since 1970: images of one second differ. */
function created({ image }: { readonly image: Pick<FoundImage, "config"> }): bigint {
  return parseTimestamp(image.config.created ?? zeroTimestamp) ?? 0n;
}

async function createdOf(deps: ListImagesDeps, references: readonly string[] | undefined): Promise<bigint | undefined> {
  const [reference] = references ?? [];
  return reference === undefined ? undefined : created({ image: await deps.images.resolve(reference) });
}

/**
 * An image with only the names that match, or none: no image.
 * @param patterns of path.Match: "busybox", "busy*", "localhost:5000/*:v?"
 */
function withMatchingNames(image: ImageSummary, patterns: readonly string[]): ImageSummary[] {
  if (patterns.length === 0) return [image];
  const expressions = patterns.map(globExpression);
  const matches = (name: string): boolean =>
    expressions.some((expression) => expression.test(name) || expression.test(name.replace(/(:[^:/]+|@.+)$/, "")));
  const [RepoTags, RepoDigests] = [image.RepoTags.filter(matches), image.RepoDigests.filter(matches)];
  return RepoTags.length + RepoDigests.length > 0 ? [{ ...image, RepoTags, RepoDigests }] : [];
}

function globExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /^$/;
  }
}
