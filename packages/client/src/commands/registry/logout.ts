import { defineCommand } from "../../command.ts";
import { forgetCredentials, hubDomain, serverKey } from "../../registry/credentials.ts";
import { registryDomain } from "../../registry/domain.ts";

export const command = defineCommand({
  usage: "[SERVER]",
  summary: "Log out from a registry",
  flags: {},
  args: [0, 1],
  examples: ["localhost:5000"],
  async run(context, { args: [server] }) {
    const domain = server === undefined ? hubDomain : registryDomain(server);
    context.out.print(`Removing login credentials for ${serverKey(domain)}`);
    await forgetCredentials(domain, context.env);
    return 0;
  },
});
