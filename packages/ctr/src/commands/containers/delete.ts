import { anyNumber, defineCommand } from "../../command.ts";
import { removeContainer } from "../../run/remove-container.ts";
import { forEach } from "../../supervisor/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER...",
  summary: "Delete one or more existing containers, which must not run",
  flags: { "keep-snapshot": { type: "boolean", doc: "Leave the container's snapshot" } },
  args: [1, anyNumber],
  missing: "must specify at least one container to delete",
  examples: ["redis"],
  async run(context, { values, args }) {
    const keepSnapshot = values["keep-snapshot"];
    return await forEach(context, args, (id) => removeContainer(context, id, { keepSnapshot }));
  },
});
