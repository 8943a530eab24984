import { defineCommand } from "../../command.ts";
import { infoText } from "../../format/info.ts";
import { typedDocument } from "../../format/template/document.ts";
import { compileTemplate } from "../../format/template/index.ts";
import { clientVersion } from "../../format/version.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "Display system-wide information",
  flags: { format: { type: "string", short: "f", value: "FORMAT", doc: "Format output: json or a Go template" } },
  args: [0, 0],
  examples: ["", "--format '{{.Driver}}'"],
  async run(context, { values }) {
    const { format } = values;
    const template =
      format === undefined || format === "json" ? undefined : compileTemplate(format, { exitCode: 64, execPrefix: "" });
    const engine = await context.engine();
    const info = await engine.call("info", {});
    const ClientInfo = clientVersion();
    if (template) context.out.print(template.render(typedDocument({ ...info, ClientInfo }, "system.dockerInfo")));
    else if (format === "json") context.out.print(JSON.stringify({ ...info, ClientInfo }));
    else {
      context.out.write(1, infoText(info, ClientInfo));
      const warnings = Array.isArray(info["Warnings"]) ? info["Warnings"] : [];
      for (const warning of warnings) context.out.printError(String(warning));
    }
    return 0;
  },
});
