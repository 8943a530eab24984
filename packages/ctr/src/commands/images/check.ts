import type { Image } from "@gantry/ipc/contracts/supervisor";
import { chainIdsOf } from "@gantry/oci-spec";
import { anyNumber, defineCommand } from "../../command.ts";
import { formatBytes } from "../../format/bytes.ts";
import { table, tight } from "../../format/table.ts";
import { allBlobs } from "../../images/all-blobs.ts";
import type { BlobSource } from "../../images/blob.ts";
import { imageParts } from "../../images/parts.ts";
import { selectImages } from "../../images/select.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";

const heading = ["REF", "TYPE", "DIGEST", "STATUS", "SIZE", "UNPACKED"];

export const command = defineCommand({
  usage: "[OPTIONS] [FILTER...]",
  summary: "Check that all content of images is available locally, for this machine's platform",
  flags: {
    quiet: { type: "boolean", short: "q", doc: "Print only the images that are complete and unpacked" },
    ...snapshotterFlag,
  },
  args: [0, anyNumber],
  examples: ["", "-q", "name~=busybox"],
  async run(context, { values, args }) {
    const images = await selectImages(context, args);
    const source = { supervisor: await context.supervisor(), namespace: context.namespace };
    const blobs = await allBlobs(source);
    const here = new Set(blobs.map(({ digest }) => digest));
    const chosen = ofSnapshotter(context, values.snapshotter);
    const { snapshots } = await source.supervisor.call("snapshots.list", { namespace: context.namespace, ...chosen });
    const stores = { here, snapshots: new Set(snapshots.map(({ key }) => key)) };
    const checked = await Promise.all(images.map((image) => check(source, image, stores)));
    if (values.quiet) {
      for (const { row, isReady } of checked) if (isReady) context.out.print(row[0] ?? "");
      return 0;
    }
    context.out.write(1, table([heading, ...checked.map(({ row }) => row)], tight));
    return 0;
  },
});

interface Stores {
  readonly here: ReadonlySet<string>;
  readonly snapshots: ReadonlySet<string>;
}

async function check(source: BlobSource, { name, target }: Image, { here, snapshots }: Stores) {
  const { needed, diffIds } = await imageParts(source, target);
  const content = needed.slice(1);
  const present = content.filter(({ digest }) => here.has(digest));
  const isComplete = diffIds !== undefined && present.length === content.length && here.has(target.digest);
  const state = isComplete ? "complete" : present.length > 0 ? "incomplete" : "unavailable";
  const chain = diffIds && chainIdsOf(diffIds).at(-1);
  const isUnpacked = diffIds !== undefined && (chain === undefined || snapshots.has(chain));
  const sizes = `${formatBytes(bytesOf(present))}/${formatBytes(bytesOf(content))}`;
  const status = `${state} (${present.length}/${content.length})`;
  const row = [name, target.mediaType, target.digest, status, sizes, String(isUnpacked)];
  return { row, isReady: isComplete && isUnpacked };
}

function bytesOf(parts: readonly { readonly size: number }[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}
