import { anyNumber, CommandError, type Context, defineCommand } from "../../command.ts";
import { containerFlags, refusedContainerFlags } from "../../run/container-flags.ts";
import { type CreatedContainer, createContainer } from "../../run/create-container.ts";
import { removeContainer } from "../../run/remove-container.ts";
import { runTask } from "../../tasks/run-task.ts";
import { ioFlags, planStreams } from "../../tasks/stdio.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE|ROOTFS ID [COMMAND] [ARG...]",
  summary: "Run a container",
  flags: {
    rm: { type: "boolean", doc: "Remove the container after its exit; not with --detach" },
    "null-io": { type: "boolean", doc: "Connect the process's streams to /dev/null" },
    "pid-file": { type: "string", value: "FILE", doc: "Write the process's id to a file" },
    ...ioFlags,
    ...containerFlags,
  },
  refused: refusedContainerFlags,
  args: [0, anyNumber],
  stopAtPositional: true,
  examples: [
    "--rm docker.io/library/busybox:latest hello echo hello",
    "--rm -t docker.io/library/busybox:latest shell sh",
    "-d --memory-limit 67108864 docker.io/library/redis:7 redis",
  ],
  async run(context, { values, args }) {
    if (values.detach && values.rm) throw new CommandError("flags --detach and --rm cannot be specified together");
    // Flags are checked before anything is created.
    const early = planStreams(context, values, values.tty);
    const container = await createContainer(context, values, args);
    try {
      const plan = container.terminal === values.tty ? early : planStreams(context, values, container.terminal);
      return await runTask(context, { id: container.id, plan, pidFile: values["pid-file"] });
    } finally {
      if (values.rm) await remove(context, container);
    }
  },
});

async function remove(context: Context, { id }: CreatedContainer): Promise<void> {
  try {
    await removeContainer(context, id, { keepSnapshot: false });
  } catch (error) {
    context.log.warn(`removing container ${id}: ${(error as Error).message}`);
  }
}
