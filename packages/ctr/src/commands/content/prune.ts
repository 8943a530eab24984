import { CommandError, defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "references",
  summary: "Remove now what no image, container, lease or label needs; what went is printed",
  flags: {},
  args: [1, 1],
  missing: "please say what to prune: references",
  examples: ["references"],
  async run({ namespace, out, supervisor: connect }, { args: [what] }) {
    if (what !== "references") throw new CommandError(`no such command: content prune ${what}`, 3);
    const supervisor = await connect();
    const { content, snapshots, ingests } = await supervisor.call("gc.run", { namespace });
    for (const line of [...content, ...snapshots.map(({ key }) => key), ...ingests]) out.print(line);
    return 0;
  },
});
