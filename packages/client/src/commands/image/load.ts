import { defined } from "@gantry/cli";
import { isTerminal } from "@gantry/cli/terminal";
import { openSource, upload } from "@gantry/cli/upload";
import { CommandError, defineCommand } from "../../command.ts";
import { showProgress } from "../../io/progress.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "Load an image from a tar archive or STDIN",
  flags: {
    input: { type: "string", short: "i", value: "FILE", doc: "Read from a tar archive file, instead of STDIN" },
    platform: { type: "string", value: "OS/ARCH", doc: "Set platform if the image has several" },
    quiet: { type: "boolean", short: "q", doc: "Suppress the load output" },
  },
  args: [0, 0],
  examples: ["-i busybox.tar", "< busybox.tar.gz"],
  async run(context, { values }) {
    if (values.input === undefined && isTerminal(0)) {
      throw new CommandError("requested load from stdin, but stdin is empty");
    }
    const source = await openSource(values.input);
    const engine = await context.engine();
    const stream = engine.open("imageLoad", defined({ Platform: values.platform }));
    const sent = upload(stream, source);
    // Progress is shown on a terminal only; a script needs the names.
    const shown = showProgress(context, stream.items, { target: 1, quiet: values.quiet || !isTerminal(1) });
    const [, , { Loaded }] = await Promise.all([sent, shown, stream.result]);
    for (const name of Loaded) {
      context.out.print(name.startsWith("sha256:") ? `Loaded image ID: ${name}` : `Loaded image: ${name}`);
    }
    return 0;
  },
});
