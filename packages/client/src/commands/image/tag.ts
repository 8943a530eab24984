import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  flags: {},
  args: [2, 2],
  examples: ["busybox localhost:5000/busybox:mine"],
  async run(context, { args: [source = "", target = ""] }) {
    const engine = await context.engine();
    await engine.call("imageTag", { Name: source, Target: target });
    return 0;
  },
});
