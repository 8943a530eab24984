import { UsageError } from "@gantry/cli";
import { BrokenPipe } from "@gantry/cli/output";
import { type Command, type Globals, makeContext } from "./context.ts";
import type { CommandName } from "./table.ts";

/** Each command's module is loaded on first use. */
const loaders: Readonly<Record<Exclude<CommandName, "worker">, () => Promise<Command>>> = {
  checkpoint: async () => (await import("./checkpoint.ts")).checkpoint,
  restore: async () => (await import("./restore.ts")).restore,
  create: async () => (await import("./create.ts")).create,
  start: async () => (await import("./start.ts")).start,
  run: async () => (await import("./run.ts")).run,
  exec: async () => (await import("./exec.ts")).exec,
  kill: async () => (await import("./kill.ts")).kill,
  delete: async () => (await import("./delete.ts")).remove,
  pause: async () => (await import("./pause.ts")).pause,
  resume: async () => (await import("./pause.ts")).resume,
  update: async () => (await import("./update.ts")).update,
  state: async () => (await import("./state.ts")).state,
  list: async () => (await import("./list.ts")).list,
  ps: async () => (await import("./ps.ts")).ps,
  events: async () => (await import("./events.ts")).events,
  plan: async () => (await import("./plan.ts")).plan,
  spec: async () => (await import("./spec.ts")).spec,
  features: async () => (await import("./features.ts")).features,
};

/** Exit statuses of `exec` that are not the program's own. */
const execFailed = 255;

/** Runs one command; every failure becomes one line and exit status 1, of `exec` 255. @throws BrokenPipe */
export async function runCommand(
  name: keyof typeof loaders,
  args: readonly string[],
  globals: Globals,
): Promise<number> {
  const context = makeContext(globals);
  const began = performance.now();
  context.log.debug(`${name}: begins with ${JSON.stringify(args)}`);
  try {
    const command = await loaders[name]();
    const status = await command(args, context);
    context.log.debug(`${name}: exit status ${status} after ${(performance.now() - began).toFixed(1)} ms`);
    return status;
  } catch (error) {
    if (error instanceof BrokenPipe) throw error;
    const { message } = error as Error;
    if (error instanceof UsageError) context.log.error(`${name}: ${message}`, { code: "InvalidArgument" });
    else {
      const { classify } = await import("../run/classify.ts");
      const { code, reason } = classify(error);
      context.log.error(message, reason === undefined ? { code } : { code, reason });
    }
    return name === "exec" ? execFailed : 1;
  }
}
