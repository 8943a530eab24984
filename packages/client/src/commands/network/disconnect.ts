import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NETWORK CONTAINER",
  summary: "Disconnect a container from a network",
  flags: { force: { type: "boolean", short: "f", doc: "Force the container to disconnect from a network" } },
  args: [2, 2],
  examples: ["backend web"],
  async run(context, { values, args: [network = "", container = ""] }) {
    const engine = await context.engine();
    await engine.call("networkDisconnect", { Id: network, Container: container, Force: values.force });
    return 0;
  },
});
