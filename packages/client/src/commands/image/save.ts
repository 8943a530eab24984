import { defined } from "@gantry/cli";
import { checkOutputPath, downloadToFile, downloadToOutput } from "@gantry/cli/download";
import { isTerminal } from "@gantry/cli/terminal";
import { anyNumber, CommandError, defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  flags: {
    output: { type: "string", short: "o", value: "FILE", doc: "Write to a file, instead of STDOUT" },
    platform: { type: "string", value: "OS/ARCH", doc: "Save only the given platform if the image has several" },
  },
  args: [1, anyNumber],
  examples: ["-o busybox.tar busybox", "busybox redis:7 | gzip > images.tar.gz"],
  async run(context, { values, args }) {
    const { output } = values;
    if (output === undefined && isTerminal(1)) {
      throw new CommandError("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    if (output !== undefined) await checkOutputPath(output);
    const engine = await context.engine();
    const stream = engine.open("imageSave", { Names: args, ...defined({ Platform: values.platform }) });
    if (output === undefined) await downloadToOutput(context.out, stream);
    else await downloadToFile(output, stream);
    return 0;
  },
});
