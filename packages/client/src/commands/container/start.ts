import { checkInputTerminal } from "@gantry/cli/terminal";
import { anyNumber, CommandError, defineCommand } from "../../command.ts";
import { detachKeys } from "../../config/settings.ts";
import { forEach } from "../../engine/failure.ts";
import { inspectForAttach } from "../../run/inspect-container.ts";
import { runAttached } from "../../run/run-container.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Start one or more stopped containers",
  flags: {
    attach: { type: "boolean", short: "a", doc: "Attach STDOUT/STDERR and forward signals" },
    "detach-keys": { type: "string", value: "KEYS", doc: "Override the key sequence for detaching a container" },
    interactive: { type: "boolean", short: "i", doc: "Attach container's STDIN" },
    "sig-proxy": { type: "boolean", default: true, hidden: true, doc: "Proxy all received signals to the process" },
  },
  args: [1, anyNumber],
  examples: ["web", "-ai shell"],
  async run(context, { values, args }) {
    const engine = await context.engine();
    if (!values.attach && !values.interactive) {
      const failed: string[] = [];
      const exitCode = await forEach(context, args, async (name) => {
        failed.push(name);
        await engine.call("containerStart", { Id: name });
        failed.pop();
        context.out.print(name);
      });
      if (failed.length > 0) context.out.printError(`Error: failed to start containers: ${failed.join(", ")}`);
      return exitCode;
    }
    const [name = "", ...more] = args;
    if (more.length > 0) throw new CommandError("you cannot start and attach multiple containers at once");
    const keys = await detachKeys(context, values["detach-keys"]);
    const container = await inspectForAttach(engine, name);
    const stdin = values.interactive && container.openStdin;
    checkInputTerminal(container.tty, stdin);
    return await runAttached(
      context,
      { id: container.id, autoRemove: container.autoRemove },
      {
        stdin,
        stdout: true,
        stderr: true,
        tty: container.tty,
        sigProxy: values["sig-proxy"] && !container.tty,
        detachKeys: keys,
      },
    );
  },
});
