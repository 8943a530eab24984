import { RpcError } from "@gantry/ipc";
import type { KeptExit } from "@gantry/keeper";
import { SIGNALS } from "@gantry/native-sys";
import type { ShimContext } from "../context.ts";
import type { RuntimeStreams } from "../runtime/runtime.ts";
import type { ContainerProcess } from "./process.ts";

export interface LaunchHooks {
  /** Called once the process exists, before its exit is reported. */
  readonly onStarted: () => void;
  readonly onExit: (exit: KeptExit) => void;
}

/**
 * Creates the streams, has the runtime create the process, and watches for its exit.
 * @returns its id
 * @throws RpcError of the runtime, or InvalidArgument for unusable streams; then nothing of the process is left
 */
export async function launch(
  context: ShimContext,
  target: ContainerProcess,
  run: (streams: RuntimeStreams) => Promise<number>,
  hooks: LaunchHooks,
): Promise<number> {
  const { kept } = context;
  await using _ = await kept.expect();
  let isAdopted = false;
  try {
    const streams = await target.stdio.prepare().catch(invalidArgument);
    const pid = await run(streams);
    await kept.client.adopt(target.name, pid);
    isAdopted = true;
    target.pid = pid;
    target.stdio.closeFar();
    await target.stdio.open();
  } catch (error) {
    if (isAdopted) await endAgain(context, target);
    await target.stdio.close();
    throw error;
  }
  hooks.onStarted();
  kept.watch(target.name, hooks.onExit);
  return target.pid;
}

/** Ends a process whose start has failed after all. */
async function endAgain({ kept }: ShimContext, target: ContainerProcess): Promise<void> {
  const exit = kept.exitOf(target.name);
  await kept.signal(target.name, target.label, SIGNALS.SIGKILL).catch(() => undefined); // it has ended
  await exit;
  await kept.acknowledge(target.name);
}

/** Turns a failure caused by the request (a path that is no named pipe, a log that cannot be opened) into InvalidArgument. */
export function orInvalidArgument<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    return invalidArgument(error);
  }
}

function invalidArgument(error: unknown): never {
  throw new RpcError("InvalidArgument", (error as Error).message, undefined, { cause: error });
}
