import { anyNumber, CommandError, type Context, defineCommand } from "../../command.ts";
import { forEach } from "../../supervisor/failure.ts";
import type { ProcessRef } from "../../tasks/session.ts";

const SIGKILL = 9;

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER...",
  summary: "Delete one or more tasks, which must have exited",
  flags: {
    force: { type: "boolean", short: "f", doc: "Kill a running task first" },
    "exec-id": { type: "string", value: "ID", doc: "Delete this process, and exit with its exit code" },
  },
  args: [1, anyNumber],
  missing: "container id must be provided",
  examples: ["redis", "-f redis"],
  async run(context, { values, args }) {
    const { namespace } = context;
    const execId = values["exec-id"];
    if (execId !== undefined) {
      const [containerId = "", ...more] = args;
      if (more.length > 0) throw new CommandError("--exec-id belongs to one container");
      return await remove(context, { namespace, containerId, execId }, values.force);
    }
    return await forEach(context, args, async (containerId) => {
      const code = await remove(context, { namespace, containerId }, values.force);
      if (code !== 0) context.log.warn(`task ${containerId} exit with non-zero exit code ${code}`);
    });
  },
});

async function remove(context: Context, process: ProcessRef, force: boolean): Promise<number> {
  const supervisor = await context.supervisor();
  const { status } = await supervisor.call("tasks.get", process);
  if (status !== "stopped") {
    if (!force) throw new CommandError(`task must be stopped before deletion: ${status}: failed precondition`);
    await supervisor.call("tasks.kill", { ...process, signal: SIGKILL, ...(process.execId ? {} : { all: true }) });
    await supervisor.call("tasks.wait", process);
  }
  const { exitStatus } = await supervisor.call("tasks.delete", process);
  return exitStatus;
}
