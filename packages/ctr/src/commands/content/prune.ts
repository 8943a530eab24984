import { CommandError, defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "references",
  summary: "Remove content that no image, container, lease or label needs, and print its digests",
  flags: {},
  args: [1, 1],
  missing: "please specify what to prune: references",
  examples: ["references"],
  async run({ namespace, out, supervisor: connect }, { args: [kind] }) {
    if (kind !== "references") throw new CommandError(`no such command: content prune ${kind}`, 3);
    const supervisor = await connect();
    const { content, snapshots, ingests } = await supervisor.call("gc.run", { namespace });
    for (const line of [...content, ...snapshots.map(({ key }) => key), ...ingests]) out.print(line);
    return 0;
  },
});
