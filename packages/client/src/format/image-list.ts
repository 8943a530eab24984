import { humanSize } from "@gantry/cli/size";
import { ago } from "@gantry/common/duration";
import type { ImageSummary } from "@gantry/ipc/contracts/engine-types";
import type { ListFormat } from "./list.ts";
import { shortId } from "./text.ts";
import { goTime } from "./time.ts";

const none = "<none>";

/** One line of the list: an image has one for each of its names. */
export interface ImageRow {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** The lines of the images: one for each tag (with digests: each tag and digest), one for an image without a name. */
export function imageRows(images: readonly ImageSummary[], withDigests: boolean): ImageRow[] {
  return images.flatMap((image) => {
    const digests = new Map(image.RepoDigests.map((name) => splitAt(name, name.indexOf("@"))));
    const tags = image.RepoTags.map((name) => splitAt(name, name.lastIndexOf(":")));
    const row = (repository: string, tag: string): ImageRow => ({
      image,
      repository,
      tag,
      digest: digests.get(repository) ?? none,
    });
    if (tags.length === 0 && digests.size === 0) return [row(none, none)];
    const tagged = new Set(tags.map(([repository]) => repository));
    const untagged = [...digests.keys()].filter((repository) => !tagged.has(repository));
    const rows = tags.map(([repository, tag]) => row(repository, tag));
    return [...rows, ...(withDigests || tags.length === 0 ? untagged.map((repository) => row(repository, none)) : [])];
  });
}

function splitAt(text: string, at: number): [string, string] {
  return at < 0 ? [text, none] : [text.slice(0, at), text.slice(at + 1)];
}

/** The columns of `images`. */
export function imageList(options: { truncate: boolean; digests: boolean; now: number }): ListFormat<ImageRow> {
  const id = ({ image }: ImageRow): string => (options.truncate ? shortId(image.Id) : image.Id);
  const digestColumn = options.digests ? "{{.Digest}}\t" : "";
  return {
    typeName: "*formatter.imageContext",
    standard: `table {{.Repository}}\t{{.Tag}}\t${digestColumn}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
    quiet: "{{.ID}}",
    raw: `repository: {{.Repository}}\ntag: {{.Tag}}\n${options.digests ? "digest: {{.Digest}}\n" : ""}image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n`,
    rawQuiet: "image_id: {{.ID}}",
    columns: {
      Containers: {
        header: "CONTAINERS",
        value: ({ image }) => (image.Containers < 0 ? "N/A" : String(image.Containers)),
      },
      CreatedAt: { header: "CREATED AT", value: ({ image }) => goTime(image.Created) },
      CreatedSince: { header: "CREATED", value: ({ image }) => ago(image.Created, options.now) },
      Digest: { header: "DIGEST", value: ({ digest }) => digest },
      ID: { header: "IMAGE ID", value: id },
      Repository: { header: "REPOSITORY", value: ({ repository }) => repository },
      SharedSize: { header: "SHARED SIZE", value: () => "N/A" },
      Size: { header: "SIZE", value: ({ image }) => humanSize(image.Size, 3) },
      Tag: { header: "TAG", value: ({ tag }) => tag },
      UniqueSize: { header: "UNIQUE SIZE", value: () => "N/A" },
      VirtualSize: { header: "SIZE", value: ({ image }) => humanSize(image.Size, 3) },
    },
  };
}
