import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  summary: "Create a new image from a container's changes",
  flags: {
    author: { type: "string", short: "a", value: "NAME", doc: 'Author (e.g., "Ada Lovelace <ada@example.com>")' },
    change: { type: "list", short: "c", value: "LINE", doc: "Apply a Dockerfile instruction to the created image" },
    message: { type: "string", short: "m", value: "TEXT", doc: "Commit message" },
    pause: { type: "boolean", short: "p", default: true, doc: "Pause the container during commit" },
  },
  args: [1, 2],
  examples: ["web team/web:patched", "-m 'with tools' -c 'CMD [\"bash\"]' web team/web:tools"],
  async run(context, { values, args: [container = "", target = ""] }) {
    const engine = await context.engine();
    const options = {
      Author: values.author,
      Comment: values.message,
      Changes: values.change.length > 0 ? values.change : undefined,
    };
    const request = { Id: container, Target: target, Pause: values.pause, ...defined(options) };
    const { Id } = await engine.call("containerCommit", request, { timeoutMs: 0 });
    context.out.print(Id);
    return 0;
  },
});
