import { checkInputTerminal } from "@gantry/cli/terminal";
import { anyNumber, defineCommand } from "../../command.ts";
import { detachKeys } from "../../config/settings.ts";
import { attachedStreams } from "../../run/container-config.ts";
import { createContainer } from "../../run/create-container.ts";
import { runFlags } from "../../run/create-flags.ts";
import { createRequest } from "../../run/create-request.ts";
import { runFailure } from "../../run/failure.ts";
import { runAttached, runDetached } from "../../run/run-container.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create and run a new container from an image",
  flags: runFlags,
  args: [1, anyNumber],
  stopAtPositional: true,
  examples: ["--rm busybox echo hello", "-it --rm busybox sh", "-d --name web -p 8080:80 nginx"],
  async run(context, parsed) {
    const { values } = parsed;
    try {
      const request = createRequest(parsed, { env: context.env, cwd: context.cwd, detach: values.detach });
      const attached = attachedStreams(values);
      if (!values.detach) checkInputTerminal(values.tty, attached.stdin);
      const keys = await detachKeys(context, values["detach-keys"]);
      const id = await createContainer(context, values, request);
      const container = { id, autoRemove: values.rm };
      if (values.detach) return await runDetached(context, container);
      return await runAttached(context, container, {
        ...attached,
        tty: values.tty,
        sigProxy: values["sig-proxy"],
        detachKeys: keys,
      });
    } catch (error) {
      throw await runFailure(error, context, "run");
    }
  },
});
