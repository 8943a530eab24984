import { defined } from "@gantry/cli";
import { openSource, upload } from "@gantry/cli/upload";
import { CommandError, defineCommand } from "../../command.ts";
import { showProgress } from "../../io/progress.ts";

export const command = defineCommand({
  usage: "[OPTIONS] FILE|URL|- [REPOSITORY[:TAG]]",
  summary: "Import the contents from a tarball to create a filesystem image",
  flags: {
    change: { type: "list", short: "c", value: "LINE", doc: "Apply a Dockerfile instruction to the created image" },
    message: { type: "string", short: "m", value: "TEXT", doc: "Set commit message for imported image" },
    platform: { type: "string", value: "OS/ARCH", doc: "Set platform of the image" },
  },
  args: [1, 2],
  examples: ["rootfs.tar team/base:1", "-c 'CMD [\"/bin/sh\"]' - team/base < rootfs.tar"],
  async run(context, { values, args: [file = "", target = ""] }) {
    const source = /^https?:\/\//.test(file) ? await download(file) : await openSource(file === "-" ? undefined : file);
    const engine = await context.engine();
    const request = {
      Target: target,
      Message: values.message,
      Changes: values.change.length > 0 ? values.change : undefined,
      Platform: values.platform,
    };
    const stream = engine.open("imageImport", defined(request) as { Target: string });
    const sent = upload(stream, source);
    const shown = showProgress(context, stream.items, { target: 1, quiet: true });
    const [, , { Id }] = await Promise.all([sent, shown, stream.result]);
    context.out.print(Id);
    return 0;
  },
});

async function download(url: string): Promise<AsyncIterable<Uint8Array>> {
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new CommandError(`${url}: ${response.status} ${response.statusText}`);
  return response.body;
}
