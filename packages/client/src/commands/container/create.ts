import { anyNumber, defineCommand } from "../../command.ts";
import { createContainer } from "../../run/create-container.ts";
import { createFlags } from "../../run/create-flags.ts";
import { createRequest } from "../../run/create-request.ts";
import { runFailure } from "../../run/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create a new container",
  flags: createFlags,
  args: [1, anyNumber],
  stopAtPositional: true,
  examples: ["--name web -p 8080:80 nginx"],
  async run(context, parsed) {
    let request: ReturnType<typeof createRequest>;
    try {
      request = createRequest(parsed, { env: context.env, cwd: context.cwd, detach: false });
    } catch (error) {
      throw await runFailure(error, context, "create");
    }
    context.out.print(await createContainer(context, parsed.values, request));
    return 0;
  },
});
