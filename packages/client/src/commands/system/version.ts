import { defineCommand } from "../../command.ts";
import { describeFailure } from "../../engine/failure.ts";
import { typedDocument } from "../../format/template/document.ts";
import { compileTemplate } from "../../format/template/index.ts";
import type { PlainObject } from "../../format/template/values.ts";
import { clientVersion, versionText } from "../../format/version.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "Show the Gantry version information",
  flags: { format: { type: "string", short: "f", value: "FORMAT", doc: "Format output: json or a Go template" } },
  args: [0, 0],
  examples: ["", "--format '{{.Server.Version}}'"],
  async run(context, { values }) {
    const { format } = values;
    const template =
      format === undefined || format === "json"
        ? undefined
        : compileTemplate(format, { exitCode: 64, name: "version", execPrefix: "" });
    let server: PlainObject | null = null;
    let problem: { message: string; exitCode: number } | undefined;
    try {
      server = await (await context.engine()).call("version", {});
    } catch (error) {
      problem = await describeFailure(error, context);
    }
    const document = { Client: clientVersion(), Server: server };
    if (template && server === null && problem) {
      context.out.printError(problem.message);
      return problem.exitCode;
    }
    if (template) context.out.print(template.render(typedDocument(document, "system.versionInfo")));
    else if (format === "json") context.out.print(JSON.stringify(document));
    else context.out.write(1, versionText(document));
    if (!problem) return 0;
    context.out.printError(problem.message);
    return problem.exitCode;
  },
});
