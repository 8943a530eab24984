import { checkInputTerminal, terminalSize } from "@gantry/cli/terminal";
import { CommandError, defineCommand } from "../../command.ts";
import { deleteProcess, follow, openStreams, waitExit } from "../../tasks/session.ts";

export const command = defineCommand({
  usage: "CONTAINER",
  summary: "Attach to the streams of a running container; exits with its exit code, and removes its task then",
  flags: {},
  args: [1, 1],
  missing: "container id must be provided",
  examples: ["shell"],
  async run(context, { args: [containerId = ""] }) {
    const process = { namespace: context.namespace, containerId };
    const supervisor = await context.supervisor();
    const { status, terminal } = await supervisor.call("tasks.get", process);
    if (status === "stopped") throw new CommandError(`task ${containerId} is stopped: failed precondition`);
    checkInputTerminal(terminal, true);
    const size = terminal ? terminalSize() : undefined;
    if (size) await supervisor.call("tasks.resizePty", { ...process, ...size });
    const stream = openStreams(supervisor, process, undefined);
    const { code, hasEnded } = await follow(context, { stream, process, terminal });
    if (hasEnded) {
      await waitExit(supervisor, process);
      await deleteProcess(supervisor, process);
    }
    return code;
  },
});
