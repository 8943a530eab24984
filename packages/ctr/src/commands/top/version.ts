import { jsRuntimeName } from "@gantry/common/js-runtime";
import { version } from "@gantry/common/version";
import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "",
  summary: "Print the client and supervisor versions",
  flags: {},
  args: [0, 0],
  examples: [""],
  async run({ out, supervisor: connect }) {
    out.print(`Client:\n  Version:  ${version}\n  Runtime:  ${jsRuntimeName}\n`);
    const supervisor = await connect();
    const [server, { uuid }] = await Promise.all([
      supervisor.call("version", {}),
      supervisor.call("introspection.server", {}),
    ]);
    const revision = server.revision === undefined ? "" : `  Revision: ${server.revision}\n`;
    out.print(`Server:\n  Version:  ${server.version}\n${revision}  UUID: ${uuid}`);
    return 0;
  },
});
