import { defined } from "@gantry/cli";
import { anyNumber, CommandError, defineCommand } from "../../command.ts";
import { execProcess } from "../../spec/exec-process.ts";
import { type ProcessRef, startAndFollow } from "../../tasks/session.ts";
import { ioFlags, planStreams } from "../../tasks/stdio.ts";

export const command = defineCommand({
  usage: "--exec-id ID [OPTIONS] CONTAINER COMMAND [ARG...]",
  summary: "Execute an additional process in an existing container",
  flags: {
    "exec-id": { type: "string", value: "ID", doc: "Id of the process, unique in the container" },
    cwd: { type: "string", value: "DIR", doc: "Working directory of the new process" },
    tty: { type: "boolean", short: "t", doc: "Allocate a terminal" },
    user: { type: "string", value: "USER[:GROUP]", doc: "User by name or number" },
    ...ioFlags,
  },
  args: [2, anyNumber],
  missing: "container id and a command must be provided",
  stopAtPositional: true,
  examples: ["--exec-id list redis ls /", "-t --exec-id shell redis sh", "-d --exec-id job redis sleep 60"],
  async run(context, { values, args: [containerId = "", ...args] }) {
    const execId = values["exec-id"];
    if (execId === undefined || execId === "") throw new CommandError('required flag "exec-id" not set');
    const { namespace } = context;
    const process: ProcessRef = { namespace, containerId, execId };
    const plan = planStreams(context, values, values.tty);
    const supervisor = await context.supervisor();
    const { spec } = await supervisor.call("containers.get", { namespace, id: containerId });
    const document = execProcess(spec, { args, cwd: values.cwd, terminal: values.tty });
    const { stdio, fifoDirectory } = plan;
    const request = {
      namespace,
      containerId,
      execId,
      process: document,
      user: values.user ?? "",
      stdio,
      fifoDirectory,
    };
    const { fifos } = await supervisor.call("tasks.exec", defined(request));
    const start = async (): Promise<void> => void (await supervisor.call("tasks.start", process));
    try {
      return await startAndFollow(context, { plan, process, fifos, start });
    } catch (error) {
      await supervisor.call("tasks.delete", process).catch(() => {});
      throw error;
    }
  },
});
