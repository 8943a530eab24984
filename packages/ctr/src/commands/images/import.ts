import { resolve } from "node:path";
import { defined } from "@gantry/cli";
import { openSource, upload } from "@gantry/cli/upload";
import { parseReference, repositoryName } from "@gantry/oci-spec/reference";
import { CommandError, type Context, defineCommand } from "../../command.ts";
import { checkPlatform } from "../../images/platform-flags.ts";
import { requireOwnSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";
import { followTransfer } from "../../images/transfer.ts";

export const command = defineCommand({
  usage: "[OPTIONS] FILE|DIR|-",
  summary:
    "Import images from an archive: an OCI layout in a tar or a directory, or an archive of docker save; also gzip or zstd",
  flags: {
    ...snapshotterFlag,
    "base-name": {
      type: "string",
      value: "NAME",
      doc: "Repository for tags without one; images of other names are left out",
    },
    digests: { type: "boolean", doc: "Also name each image by its digest" },
    "skip-digest-for-named": { type: "boolean", doc: "With --digests: only images that have no other name" },
    "index-name": { type: "string", value: "NAME", doc: "Name to keep the archive's index under" },
    platform: { type: "string", value: "OS/ARCH[/VARIANT]", doc: "Import the content of another platform" },
    "all-platforms": { type: "boolean", doc: "Import the content of all platforms" },
    "compress-blobs": { type: "boolean", doc: "Keep plain layers of a docker-archive compressed with gzip" },
    "no-unpack": { type: "boolean", doc: "Do not unpack the images" },
  },
  args: [1, 1],
  missing: "please provide an archive to import from",
  examples: ["busybox.tar", "layout/", "--base-name registry.example/app app.tar", "- < busybox.tar"],
  async run(context, { values, args: [file = ""] }) {
    const from = await openImport(context, file);
    const base = values["base-name"] === undefined ? undefined : repository(values["base-name"]);
    if (values["skip-digest-for-named"] && !values.digests) {
      throw new CommandError("--skip-digest-for-named must be used with --digests");
    }
    const request = defined({
      namespace: context.namespace,
      defaultName: `${base ?? generatedName()}:latest`,
      baseName: base,
      digestsIn: values.digests ? (base ?? generatedName()) : undefined,
      digestsForUnnamed: values["skip-digest-for-named"] || undefined,
      indexName: values["index-name"] === undefined ? undefined : `${repository(values["index-name"])}:latest`,
      platform: checkPlatform(values.platform),
      allPlatforms: values["all-platforms"] || undefined,
      compress: values["compress-blobs"] || undefined,
      unpack: values["no-unpack"] ? false : undefined,
      directory: from.directory,
    });
    return await importFrom(context, { source: from.source, request, snapshotter: values.snapshotter });
  },
});

/** The archive to send, or the directory of a layout that the supervisor reads itself. */
interface Opened {
  readonly source?: AsyncIterable<Uint8Array>;
  readonly directory?: string;
}

async function openImport({ cwd }: Context, file: string): Promise<Opened> {
  if (file === "-") return { source: await openSource(undefined) };
  const { stat } = await import("node:fs/promises");
  const directory = resolve(cwd, file);
  const found = await stat(directory).catch(() => undefined);
  return found?.isDirectory() ? { directory } : { source: await openSource(file) };
}

interface Import {
  readonly source: AsyncIterable<Uint8Array> | undefined;
  readonly request: { namespace: string; defaultName: string };
  readonly snapshotter: string | undefined;
}

async function importFrom(context: Context, { source, request, snapshotter }: Import): Promise<number> {
  const supervisor = await context.supervisor();
  await requireOwnSnapshotter(context, supervisor, snapshotter);
  const stream = supervisor.open("images.load", request);
  const loaded = followTransfer(context, stream);
  loaded.catch(() => {});
  if (source) await upload(stream, source);
  else stream.end();
  const { images } = await loaded;
  for (const { name, target } of images) context.out.print(`${name} (${target.digest})`);
  return 0;
}

/** Images without a name are named by the day of their import, as ctr does. */
function generatedName(): string {
  return `docker.io/library/import-${new Date().toISOString().slice(0, 10)}`;
}

function repository(text: string): string {
  return repositoryName(parseReference(text));
}
